import { defineConfig } from "vite";

// Everything is a file of its own: the policy of the page allows no inline script and no data address.
export default defineConfig({
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: { target: "es2022", assetsInlineLimit: 0, modulePreload: { polyfill: false }, sourcemap: false },
  server: { proxy: { "/v1": "http://127.0.0.1:7443" } },
});
