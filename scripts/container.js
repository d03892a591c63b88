// npm run container: what a container is built from, after `npm run release`.
//   release/container/             Containerfile and the tarballs:  podman build -t roomkin release/container
//   release/home-assistant-app/    a repository of Home Assistant apps: repository.yaml, and roomkin/ with manifest, form and tarballs
//   release/roomkin-VERSION-container-ARCH.tar.gz    with --image: a finished image for `podman load`, without any registry
//
//   npm run container -- [--release DIR] [--image amd64|arm64]
//
// --image needs root and mmdebstrap, for a foreign architecture also qemu-user-static.
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
import { writeImage } from './release/image.js';
import { root, run } from './release/run.js';

const { values: options } = parseArgs({
  options: {
    release: { type: 'string', default: join(root, 'release') },
    image: { type: 'string', multiple: true, default: [] },
  },
});
const { version, homepage } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

async function main() {
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
  for (const architecture of options.image) {
    const tarball = `${prefix}${architecture}.tar.xz`;
    if (!tarballs.includes(tarball)) throw new Error(`there is no ${tarball} in ${release}: npm run release`);
    const seconds = Number(process.env.SOURCE_DATE_EPOCH ?? run('git', ['log', '-1', '--format=%ct']).trim());
    process.stderr.write(`container: the image for ${architecture} (some minutes)\n`);
    process.stdout.write(`${await writeImage(join(release, tarball), architecture, release, seconds)}\n`);
  }
}

try {
  await main();
} catch (error) {
  process.stderr.write(`container: ${error.message}\n`);
  process.exitCode = 1;
}
