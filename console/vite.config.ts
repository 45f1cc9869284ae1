/** Builds the console and the explorer into dist/console, and serves them with hot reload beside `stockade dev`. */
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** Where `stockade dev` serves the API. */
const API = 'http://127.0.0.1:4000';

export default defineConfig({
  root: import.meta.dirname,
  base: '/console/',
  plugins: [react()],
  build: {
    outDir: '../dist/console',
    emptyOutDir: true,
    // Inlined data would need a wider Content-Security-Policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 8_000,
    rolldownOptions: { input: { console: 'index.html', explorer: 'explorer.html' } },
  },
  worker: { format: 'es' },
  // Their imports of workers are Vite's own, which its dependency bundler does not know.
  optimizeDeps: { exclude: ['graphiql/setup-workers/vite', '@graphiql/react/setup-workers/vite'] },
  server: {
    port: 5173,
    fs: { allow: ['..'] },
    proxy: { '/graphql': { target: API, ws: true, changeOrigin: true } },
  },
});
