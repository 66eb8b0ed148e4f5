// Runs one TypeScript file with the compiler that the page is built with, so that no second one is needed.
import { runnerImport } from 'vite';

const [file] = process.argv.slice(2);
if (!file) throw new Error('usage: node tests/run.mjs FILE [ARGUMENT…]');
const { module } = await runnerImport(new URL(`../${file}`, import.meta.url).pathname, { configFile: false, logLevel: 'warn' });
await module.main(process.argv.slice(3));
