// The editor asks for its workers by label; they are bundles of their own beside this one.
const known = new Set(["json", "graphql"]);

globalThis.MonacoEnvironment = {
  getWorker: (_id, label) =>
    new Worker(new URL(`worker-${known.has(label) ? label : "editor"}.js`, import.meta.url)),
};
