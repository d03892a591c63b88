// Writes the man page and the completions of bash and zsh to dist/share, from the table of verbs. `npm run build` runs it after tsc.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bashCompletion, manPage, zshCompletion } from '../dist/commands/manual.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
for (const [path, text] of [
  ['man/man1/roomkin.1', manPage(version)],
  ['bash-completion/completions/roomkin', bashCompletion()],
  ['zsh/site-functions/_roomkin', zshCompletion()],
]) {
  const file = join(root, 'dist', 'share', path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}
