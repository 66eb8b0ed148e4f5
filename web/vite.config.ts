// How the page is built: hashed files under /assets, nothing inlined as data so that a strict content policy holds.
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

// `npm run dev` shows the page against a landcycle that runs elsewhere.
const server = process.env['LANDCYCLE_URL'] ?? 'http://127.0.0.1:8080';

export default defineConfig({
  base: '/',
  plugins: [svelte()],
  worker: { format: 'es' },
  build: { outDir: 'dist', target: 'es2022', assetsInlineLimit: 0, chunkSizeWarningLimit: 1400 },
  server: { proxy: { '/api': server, '/tiles': server } },
  test: { include: ['tests/**/*.test.ts'], environment: 'node' },
});
