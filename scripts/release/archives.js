// A tree as a .deb and as a tarball. Equal trees give equal bytes: sorted names, one owner, one time, one thread of the compressor.

import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { root, run } from './run.js';
import { documentFolders, documents, manualFiles, normalise, unitText, version } from './tree.js';

const environment = (seconds) => ({ ...process.env, SOURCE_DATE_EPOCH: String(seconds), LC_ALL: 'C.UTF-8' });

/** Writes `roomkin-VERSION-linux-ARCHITECTURE.tar.xz` to `out`. `seconds`: the time of all files; `level`: of the compression. Returns its path. */
export function writeTarball(tree, architecture, out, { seconds, level }) {
  const name = `roomkin-${version}-linux-${architecture}`;
  const folder = mkdtempSync(join(tmpdir(), 'roomkin-tarball-'));
  try {
    const stage = join(folder, name);
    cpSync(tree, stage, { recursive: true });
    for (const file of documents) cpSync(join(root, file), join(stage, file));
    for (const part of documentFolders) cpSync(join(root, part), join(stage, part), { recursive: true });
    writeFileSync(
      join(stage, 'deploy', 'systemd', 'roomkin.service'),
      readFileSync(join(root, 'deploy', 'systemd', 'roomkin.service')),
    );
    for (const file of manualFiles()) copyTo(join(root, 'dist', 'share', file), join(stage, 'share', file));
    normalise(stage);
    const path = join(out, `${name}.tar.xz`);
    const tar = ['--sort=name', '--owner=0', '--group=0', '--numeric-owner', `--mtime=@${seconds}`, '--format=gnu'];
    const archive = join(folder, 'archive.tar');
    run('tar', [...tar, '-C', folder, '-cf', archive, name], { env: environment(seconds) });
    run('xz', [`-${level}`, '-T1', archive]);
    cpSync(`${archive}.xz`, path);
    return path;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * Writes `roomkin_VERSION_ARCHITECTURE.deb` to `out`. `libraries`: the versions of glibc and the C++ library that the tree needs.
 * Returns its path.
 */
export function writeDeb(tree, architecture, libraries, out, { seconds, level }) {
  const folder = mkdtempSync(join(tmpdir(), 'roomkin-deb-'));
  try {
    const stage = join(folder, 'roomkin');
    const lib = join(stage, 'usr', 'lib', 'roomkin');
    mkdirSync(dirname(lib), { recursive: true });
    cpSync(tree, lib, { recursive: true });
    writeFileSync(join(lib, 'deploy', 'systemd', 'roomkin.service'), unitText());
    copyTo(join(lib, 'deploy', 'systemd', 'roomkin.service'), join(stage, 'usr/lib/systemd/system/roomkin.service'));
    mkdirSync(join(stage, 'usr/bin'), { recursive: true });
    symlinkSync('../lib/roomkin/bin/roomkin', join(stage, 'usr/bin/roomkin'));

    const doc = join(stage, 'usr/share/doc/roomkin');
    for (const file of documents) copyTo(join(root, file), join(doc, file));
    for (const part of documentFolders) cpSync(join(root, part), join(doc, part), { recursive: true });
    copyTo(join(root, 'config.example.toml'), join(doc, 'config.example.toml'));
    writeFileSync(join(doc, 'copyright'), copyright(tree));
    // Debian's zsh looks elsewhere.
    const debianPath = (file) => file.replace('zsh/site-functions/', 'zsh/vendor-completions/');
    for (const file of manualFiles())
      copyTo(join(root, 'dist', 'share', file), join(stage, 'usr/share', debianPath(file)));
    for (const file of manualFiles().filter((name) => name.startsWith('man/')))
      run('gzip', ['-9n', join(stage, 'usr/share', file)]);

    normalise(stage);
    const control = join(stage, 'DEBIAN');
    mkdirSync(control);
    for (const script of readdirSync(join(root, 'deploy', 'debian')))
      cpSync(join(root, 'deploy', 'debian', script), join(control, script));
    writeFileSync(join(control, 'md5sums'), checksums(stage));
    writeFileSync(join(control, 'control'), controlText(architecture, libraries, stage));
    for (const file of readdirSync(control))
      run('chmod', [/^(pre|post)/.test(file) ? '0755' : '0644', join(control, file)]);
    run('find', [stage, '-exec', 'touch', '--no-dereference', `--date=@${seconds}`, '{}', '+']);
    const path = join(out, `roomkin_${version}_${architecture}.deb`);
    run('dpkg-deb', ['--root-owner-group', '-Zxz', `-z${level}`, '--threads-max=1', '--build', stage, path], {
      env: environment(seconds),
    });
    return path;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function copyTo(from, to) {
  mkdirSync(dirname(to), { recursive: true });
  cpSync(from, to);
}

function filesBelow(stage) {
  return readdirSync(stage, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(stage.length + 1))
    .filter((name) => !name.startsWith('DEBIAN/'))
    .sort();
}

function checksums(stage) {
  const lines = filesBelow(stage).map((name) => {
    const sum = createHash('md5')
      .update(readFileSync(join(stage, name)))
      .digest('hex');
    return `${sum}  ${name}\n`;
  });
  return lines.join('');
}

function controlText(architecture, libraries, stage) {
  const { description } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const bytes = filesBelow(stage).reduce((sum, name) => sum + Math.ceil(statSync(join(stage, name)).size / 1024), 0);
  // The packages of Debian 12: GCC 12 has GLIBCXX_3.4.30.
  const depends = [`libc6 (>= ${libraries.GLIBC})`, 'libgcc-s1', 'libstdc++6 (>= 12)', 'passwd'];
  return [
    'Package: roomkin',
    `Version: ${version}`,
    `Architecture: ${architecture}`,
    'Section: misc',
    'Priority: optional',
    'Maintainer: roomkin <https://github.com/roomkin/roomkin/issues>',
    'Homepage: https://github.com/roomkin/roomkin',
    `Installed-Size: ${bytes}`,
    `Depends: ${depends.join(', ')}`,
    'Recommends: rpicam-apps-core | rpicam-apps-lite | libcamera-apps-lite',
    'Suggests: ffmpeg, mosquitto',
    `Description: ${description.split(':')[0]}`,
    ' Face recognition on a Raspberry Pi: one small daemon per room reads the',
    ' camera, recognises the people you enrolled and publishes over MQTT who is',
    ' present. No picture leaves the house. The package contains its own Node.',
    '',
  ].join('\n');
}

function copyright(tree) {
  const own = readFileSync(join(root, 'LICENSE'), 'utf8');
  const others = readFileSync(join(tree, 'LICENSES.txt'), 'utf8');
  const note =
    'The shipped model weights are for non-commercial research only: see MODEL_CARD.md.\n' +
    'The licences of Node are in /usr/lib/roomkin/node/LICENSE.\n';
  if (!existsSync(join(tree, 'node', 'LICENSE'))) throw new Error('the tree has no licence of Node');
  return `roomkin is under the Apache License 2.0.\n${note}\n${own}\n${others}`;
}
