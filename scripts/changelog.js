// Gives the entries below "Unreleased" in CHANGELOG.md the heading of the new version. `npm version` calls it between the change of the
// version and its commit.
//
//   node scripts/changelog.js [--file CHANGELOG.md] [--version X.Y.Z] [--date YYYY-MM-DD]
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const { values: options } = parseArgs({
  options: {
    file: { type: 'string', default: join(root, 'CHANGELOG.md') },
    version: { type: 'string', default: manifest.version },
    date: { type: 'string', default: new Date().toISOString().slice(0, 10) },
  },
});
const { file, version, date } = options;
const address = manifest.homepage.replace(/#.*$/, '');

const text = readFileSync(file, 'utf8');
const [head, rest] = text.split('## [Unreleased]\n');
const link = /^\[Unreleased\]: .*$/m;
const former = /^## \[(\d+\.\d+\.\d+)\]/m.exec(text)?.[1];
const entries = rest?.split(/^## \[|^\[Unreleased\]: /m)[0].trim() ?? '';
try {
  if (rest === undefined || !link.test(text)) throw new Error('it has no heading and no link named Unreleased');
  if (entries === '') throw new Error('there are no entries below Unreleased: write them first');
  if (text.includes(`## [${version}]`)) throw new Error(`it has version ${version} already`);
  const tag = `[${version}]: ${address}/${former === undefined ? `releases/tag/v${version}` : `compare/v${former}...v${version}`}`;
  const links = `[Unreleased]: ${address}/compare/v${version}...main\n${tag}`;
  writeFileSync(
    file,
    `${head}## [Unreleased]\n\n## [${version}] - ${date}\n${rest}`.replace(link, () => links),
  );
} catch (error) {
  process.stderr.write(`changelog: ${file}: ${error.message}\n`);
  process.exitCode = 1;
}
