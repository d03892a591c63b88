// The changelog of a new version: the entries get its heading, the links follow, and nothing is written where something is missing.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { packageRoot } from '../../src/base/files.js';

const script = join(packageRoot, 'scripts', 'changelog.js');

function release(file: string, version: string): { status: number | null; stderr: string; text: string } {
  const args = [script, '--file', file, '--version', version, '--date', '2026-12-01'];
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  return { status, stderr, text: readFileSync(file, 'utf8') };
}

t.test('the entries move below the new version, and the links compare versions', async (t) => {
  const first = '# Changelog\n\n## [Unreleased]\n\n### Added\n\n- A.\n\n[Unreleased]: https://x/commits/main\n';
  const file = join(t.testdir({ 'CHANGELOG.md': first }), 'CHANGELOG.md');
  const { status, text } = release(file, '0.1.0');
  t.equal(status, 0);
  t.match(text, '## [Unreleased]\n\n## [0.1.0] - 2026-12-01\n\n### Added\n\n- A.\n');
  t.match(text, /^\[Unreleased\]: .*\/compare\/v0\.1\.0\.\.\.main$/m);
  t.match(text, /^\[0\.1\.0\]: .*\/releases\/tag\/v0\.1\.0$/m);

  const empty = release(file, '0.2.0');
  t.equal(empty.status, 1);
  t.match(empty.stderr, /no entries below Unreleased/);
  t.equal(empty.text, text);
});

t.test('the changelog of this repository can be released', async (t) => {
  const text = readFileSync(join(packageRoot, 'CHANGELOG.md'), 'utf8');
  const file = join(t.testdir({ 'CHANGELOG.md': text }), 'CHANGELOG.md');
  t.match(release(file, '99.0.0'), { status: 0, stderr: '' });
  t.match(release(file, '99.0.0'), { status: 1 });
});
