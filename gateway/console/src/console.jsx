import "./workers.js";
import "graphiql/style.css";
import "./console.css";
import { createGraphiQLFetcher } from "@graphiql/toolkit";
import { GraphiQL } from "graphiql";
import { createRoot } from "react-dom/client";

const settings = JSON.parse(document.getElementById("settings").textContent);
const fetcher = createGraphiQLFetcher({ url: new URL(settings.endpoint, location.href).href });
const title = document.getElementById("title").innerHTML;

createRoot(document.getElementById("console")).render(
  <GraphiQL
    fetcher={fetcher}
    initialQuery={settings.query}
    defaultQuery={settings.query}
    defaultEditorToolsVisibility="headers"
    shouldPersistHeaders={false}
  >
    <GraphiQL.Logo>
      <span dangerouslySetInnerHTML={{ __html: title }} />
    </GraphiQL.Logo>
  </GraphiQL>,
);
