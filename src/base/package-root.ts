// Files beside the code (models, config.example.toml) are found from the package's root, wherever it was compiled to.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder that holds roomkin's package.json and models/. */
export const packageRoot: string = findRoot(dirname(fileURLToPath(import.meta.url)));

/** roomkin's version, as in package.json. */
export const packageVersion: string = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')).version;

function findRoot(from: string): string {
  for (let folder = from; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json'))) return folder;
    if (folder === dirname(folder)) throw new Error(`no package.json above ${from}`);
  }
}
