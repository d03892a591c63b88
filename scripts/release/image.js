// A container image without a registry: Debian's packages by mmdebstrap, the tarball of a release, and what the Containerfile says about
// users, the start and the health check. Written as `docker save` writes it: the format of OCI has no health check.
import { createHash } from 'node:crypto';
import { createReadStream, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root, run } from './run.js';
import { version } from './tree.js';

const suite = 'trixie';
const mirror = 'http://deb.debian.org/debian';

/** The instructions of the last stage of the Containerfile. */
export function readContainerfile() {
  const text = readFileSync(join(root, 'deploy', 'container', 'Containerfile'), 'utf8')
    .split(/^FROM /m)
    .at(-1);
  const line = (name) => new RegExp(`^${name} (.*)$`, 'm').exec(text)[1];
  const packages = /--no-install-recommends ([a-z0-9 -]+)/.exec(text)[1].trim().split(' ');
  const commands = [...text.matchAll(/^ {2}&& ((?:groupadd|useradd|install) .*?)(?: \\)?$|^RUN (ln .*)$/gm)];
  const seconds = (name) => Number(new RegExp(`--${name}=(\\d+)s`).exec(text)[1]) * 1e9;
  return {
    packages,
    commands: commands.map(([, first, second]) => first ?? second),
    config: {
      User: line('USER'),
      Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
      Entrypoint: JSON.parse(line('ENTRYPOINT')),
      Volumes: { [line('VOLUME')]: {} },
      StopSignal: line('STOPSIGNAL'),
      Healthcheck: {
        Test: ['CMD', ...JSON.parse(/CMD (\[.*\])/.exec(line('HEALTHCHECK'))[1])],
        Interval: seconds('interval'),
        Timeout: seconds('timeout'),
        StartPeriod: seconds('start-period'),
        Retries: Number(/--retries=(\d+)/.exec(text)[1]),
      },
    },
  };
}

/**
 * Writes `roomkin-VERSION-container-ARCHITECTURE.tar.gz` to `out` for `podman load` and `docker load`. `seconds`: the time of all files.
 * Returns its path. Needs root, and for a foreign architecture qemu-user-static.
 */
export async function writeImage(tarball, architecture, out, seconds) {
  const folder = mkdtempSync(join(tmpdir(), 'roomkin-image-'));
  try {
    const { packages, commands, config } = readContainerfile();
    mkdirSync(join(folder, 'roomkin'));
    run('tar', ['-xJf', tarball, '--strip-components=1', '--no-same-owner', '-C', join(folder, 'roomkin')]);
    const layer = join(folder, 'layer.tar');
    const hooks = [
      `copy-in ${join(folder, 'roomkin')} /usr/lib`,
      ...commands.map((command) => `chroot "$1" ${command}`),
    ];
    run(
      'mmdebstrap',
      [
        '--quiet',
        `--architectures=${architecture}`,
        '--variant=essential',
        `--include=${packages.join(',')}`,
        '--dpkgopt=path-exclude=/usr/share/man/*',
        '--dpkgopt=path-exclude=/usr/share/locale/*',
        '--dpkgopt=path-exclude=/usr/share/doc/*',
        '--dpkgopt=path-include=/usr/share/doc/*/copyright',
        ...hooks.map((hook) => `--customize-hook=${hook}`),
        suite,
        layer,
        mirror,
      ],
      { env: { ...process.env, SOURCE_DATE_EPOCH: String(seconds) } },
    );
    const diff = `sha256:${await digest(layer)}`;
    const created = new Date(seconds * 1000).toISOString();
    const description = JSON.stringify({
      architecture,
      os: 'linux',
      created,
      config,
      rootfs: { type: 'layers', diff_ids: [diff] },
      history: [{ created, created_by: `roomkin ${version}` }],
    });
    const name = `${createHash('sha256').update(description).digest('hex')}.json`;
    writeFileSync(join(folder, name), description);
    const manifest = [{ Config: name, RepoTags: [`roomkin:${version}`], Layers: ['layer.tar'] }];
    writeFileSync(join(folder, 'manifest.json'), JSON.stringify(manifest));
    const tar = ['--owner=0', '--group=0', '--numeric-owner', `--mtime=@${seconds}`, '--format=gnu', '-C', folder];
    const image = join(folder, 'image.tar');
    run('tar', [...tar, '-cf', image, 'manifest.json', name, 'layer.tar']);
    run('gzip', ['-n', '-6', image]);
    const path = join(out, `roomkin-${version}-container-${architecture}.tar.gz`);
    run('cp', [`${image}.gz`, `${path}.part`]);
    renameSync(`${path}.part`, path);
    return path;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** SHA-256 of a file of any length, in hexadecimal. */
async function digest(path) {
  const hash = createHash('sha256');
  for await (const part of createReadStream(path)) hash.update(part);
  return hash.digest('hex');
}
