// npm run container: what a container is built from, after `npm run release`.
//   release/container/             Containerfile and the tarballs:  podman build -t roomkin release/container
//   release/home-assistant-app/    a repository of Home Assistant apps: repository.yaml, and roomkin/ with manifest, form and tarballs
// No registry is asked. The base image comes when the image is built.
//
//   npm run container -- [--release DIR]
import {
  copyFileSync,
  cpSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from './release/run.js';

const { values: options } = parseArgs({ options: { release: { type: 'string', default: join(root, 'release') } } });
const { version, homepage } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

function main() {
  const release = resolve(options.release);
  const prefix = `roomkin-${version}-linux-`;
  const tarballs = existsSync(release)
    ? readdirSync(release).filter((name) => name.startsWith(prefix) && name.endsWith('.tar.xz'))
    : [];
  if (tarballs.length === 0) throw new Error(`there is no ${prefix}*.tar.xz in ${release}: npm run release`);
  const container = join(release, 'container');
  const repository = join(release, 'home-assistant-app');
  const app = join(repository, 'roomkin');
  for (const folder of [container, repository]) rmSync(folder, { recursive: true, force: true });
  mkdirSync(container);
  mkdirSync(repository);
  copyFileSync(join(root, 'deploy', 'container', 'Containerfile'), join(container, 'Containerfile'));
  cpSync(join(root, 'deploy', 'home-assistant-app'), app, { recursive: true });
  // What the page of the app shows about an update.
  copyFileSync(join(root, 'CHANGELOG.md'), join(app, 'CHANGELOG.md'));
  writeFileSync(join(repository, 'repository.yaml'), `name: roomkin\nurl: ${homepage.replace(/#.*/, '')}\n`);
  for (const name of tarballs) {
    for (const folder of [container, app]) linkSync(join(release, name), join(folder, name));
  }
  process.stdout.write(`${container}\n${repository}\n`);
}

try {
  main();
} catch (error) {
  process.stderr.write(`container: ${error.message}\n`);
  process.exitCode = 1;
}
