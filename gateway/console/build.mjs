// Bundles the console into dist/: the page's script and style, and the editor's three workers.
import { build } from "esbuild";

const shared = {
  bundle: true,
  minify: true,
  outdir: "dist",
  logLevel: "warning",
  legalComments: "linked",
  target: ["es2022"],
  define: { "process.env.NODE_ENV": '"production"' },
};

await Promise.all([
  build({
    ...shared,
    entryPoints: { console: "src/console.jsx" },
    format: "esm",
    splitting: true,
    chunkNames: "part-[hash]",
    assetNames: "asset-[hash]",
    jsx: "automatic",
    loader: { ".ttf": "file" },
  }),
  build({
    ...shared,
    entryPoints: {
      "worker-editor": "monaco-editor/esm/vs/editor/editor.worker.js",
      "worker-json": "monaco-editor/esm/vs/language/json/json.worker.js",
      "worker-graphql": "monaco-graphql/esm/graphql.worker.js",
    },
    format: "iife",
  }),
]);
