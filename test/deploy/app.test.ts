// The Home Assistant app and the container: the manifest has the keys and values of the documented schema, its form has the options that
// src/container knows, both languages explain every field, and the scripts of the image start the daemon and pass its exit codes on.
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { parse } from 'yaml';
import { z } from 'zod';
import { packageRoot, packageVersion } from '../../src/base/files.js';
import { loadConfig, parseConfig } from '../../src/config/load.js';
import { appForm, configurationText, containerOptions, optionsOfApp } from '../../src/container/options.js';

const folder = join(packageRoot, 'deploy/home-assistant-app');
const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
const manifest = parse(read('config.yaml'));

// The schema of https://developers.home-assistant.io/docs/apps/configuration, and the patterns of supervisor/apps/validate.py and
// options.py (2026.07). Unknown keys, which the Supervisor drops, are errors here.
const element = z
  .string()
  .regex(
    /^(?:|bool|email|url|port|device(?:\(subsystem=[a-z]+\))?|str(?:\(\d*,\d*\))?|password(?:\(\d*,\d*\))?|int(?:\((-?\d+)?,(-?\d+)?\))?|float(?:\((-?\d*\.?\d+)?,(-?\d*\.?\d+)?\))?|match\(.*\)|list\(.+\))\??$/,
  );
const flag = z.boolean().optional();
const directory = z.enum([
  'homeassistant_config',
  'app_config',
  'all_app_configs',
  'local_apps',
  'ssl',
  'backup',
  'share',
  'media',
  'data',
]);
const documented = z.strictObject({
  name: z.string().min(1),
  version: z.string().min(1),
  slug: z.string().regex(/^[-_.A-Za-z0-9]+$/),
  description: z.string().min(1),
  arch: z.array(z.enum(['aarch64', 'amd64'])).min(1),
  url: z.url().optional(),
  startup: z.enum(['initialize', 'system', 'services', 'application', 'once']).optional(),
  boot: z.enum(['auto', 'manual', 'manual_only']).optional(),
  stage: z.enum(['stable', 'experimental', 'deprecated']).optional(),
  init: flag,
  homeassistant: z
    .string()
    .regex(/^\d{4}\.\d+\.\d+$/)
    .optional(),
  host_network: flag,
  hassio_api: flag,
  homeassistant_api: flag,
  devices: z.array(z.string()).optional(),
  video: flag,
  usb: flag,
  udev: flag,
  tmpfs: flag,
  apparmor: z.union([z.boolean(), z.string()]).optional(),
  map: z
    .array(z.strictObject({ type: directory, read_only: flag, path: z.string().startsWith('/').min(2).optional() }))
    .optional(),
  environment: z.record(z.string().regex(/^\w*$/), z.string()).optional(),
  services: z.array(z.string().regex(/^(mqtt|mysql):(provide|want|need)$/)).optional(),
  backup: z.enum(['hot', 'cold']).optional(),
  backup_exclude: z.array(z.string()).optional(),
  timeout: z.number().int().min(10).max(300).optional(),
  image: z.string().optional(),
  options: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  schema: z.record(z.string(), element),
});

t.test('the manifest has the documented keys and values', async (t) => {
  const { error } = documented.safeParse(manifest);
  t.equal(error, undefined, error?.message ?? 'valid');
  t.equal(manifest.version, packageVersion);
  t.same(manifest.arch, ['amd64', 'aarch64']);
  t.same(manifest.services, ['mqtt:need']);
  for (const right of ['host_network', 'full_access', 'privileged', 'docker_api', 'hassio_role', 'auth_api'])
    t.notOk(right in manifest, `no ${right}: the app needs no more rights`);
});

t.test('the schema of this test refuses what the Supervisor refuses', async (t) => {
  for (const change of [
    { arch: ['armv7'] },
    { services: ['mqtt:use'] },
    { slug: 'a b' },
    { timeout: 5 },
    { map: [{ type: 'etc' }] },
    { schema: { camera: 'text' } },
    { schema: { room: 'match(^a' } },
    { adevices: [] },
  ])
    t.notOk(documented.safeParse({ ...manifest, ...change }).success, JSON.stringify(change));
});

t.test('the form has every option of the app; a default belongs to a field that is required', async (t) => {
  t.same(Object.keys(manifest.schema).sort(), [...appForm.known].sort());
  const kinds = { flag: /^bool/, number: /^(int|float|list\(\d+(\|\d+)*\))/, text: /^(str|match|list|password|url)/ };
  for (const [option, type] of Object.entries<string>(manifest.schema)) {
    t.match(type, kinds[containerOptions[option]!.kind], option);
    // A default would make an optional field a required one.
    t.equal(type.endsWith('?'), !(option in manifest.options) && option !== 'camera', option);
  }
  // Supervisors before 2026.07 refuse every text where a length is given.
  t.notOk(Object.values<string>(manifest.schema).some((type) => /^(str|password)\(/.test(type)));
});

t.test('the defaults of the form are a configuration once the camera is chosen', async (t) => {
  const options = optionsOfApp(JSON.stringify({ ...manifest.options, camera: '/dev/video0' }));
  const config = parseConfig(configurationText(options, null, '/data/roomkin', appForm), 'the test');
  t.match(config, { room: { id: 'living_room' }, camera: { source: 'ffmpeg', input: '/dev/video0' } });
});

t.test('the limits of the form are those of config.toml', async (t) => {
  const minimum = { ...manifest.options, camera: '/dev/video0' };
  for (const [option, type] of Object.entries<string>(manifest.schema)) {
    const [, low, high] = /^(?:int|float)\((.+),(.+)\)\??$/.exec(type) ?? [];
    if (low === undefined) continue;
    for (const value of [Number(low), Number(high)]) {
      const options = optionsOfApp(JSON.stringify({ ...minimum, [option]: value }));
      t.doesNotThrow(() => configurationText(options, null, '/data/roomkin', appForm), `${option} = ${value}`);
    }
    const beyond = optionsOfApp(JSON.stringify({ ...minimum, [option]: Number(high) * 2 }));
    t.throws(() => configurationText(beyond, null, '/data/roomkin', appForm), `${option} beyond ${high}`);
  }
  for (const level of manifest.schema.log_level.slice('list('.length, -')?'.length).split('|')) {
    const options = optionsOfApp(JSON.stringify({ ...minimum, log_level: level }));
    t.doesNotThrow(() => configurationText(options, null, '/data/roomkin', appForm), level);
  }
});

t.test('both languages explain every field of the form', async (t) => {
  t.same(readdirSync(join(folder, 'translations')).sort(), ['de.yaml', 'en.yaml']);
  const texts = z.strictObject({
    configuration: z.record(z.string(), z.strictObject({ name: z.string().min(1), description: z.string().min(1) })),
  });
  for (const language of ['en', 'de']) {
    const { configuration } = texts.parse(parse(read(`translations/${language}.yaml`)));
    t.same(Object.keys(configuration).sort(), Object.keys(manifest.schema).sort(), language);
  }
});

t.test('docs/container.md has every variable', async (t) => {
  const text = readFileSync(join(packageRoot, 'docs/container.md'), 'utf8');
  for (const option of Object.keys(containerOptions))
    t.ok(text.includes(`\`ROOMKIN_${option.toUpperCase()}\``), option);
});

t.test(
  'both images: the same packages and files, a health check, no password and no network beyond the base image',
  async (t) => {
    const container = readFileSync(join(packageRoot, 'deploy/container/Containerfile'), 'utf8');
    for (const text of [container, read('Dockerfile')]) {
      t.match(text, /^HEALTHCHECK .* CMD \["roomkin", "status"\]$/m);
      t.notMatch(text, /^(?!#).*(curl|wget|npm )/m);
      t.notMatch(text, /^ADD /m);
    }
    t.match(container, /^USER roomkin$/m);
    t.match(container, /^VOLUME \/var\/lib\/roomkin$/m);
    const unpacking = (text: string): string =>
      text.slice(text.indexOf('FROM '), text.indexOf('RUN apt-get', text.indexOf('AS unpack') + 200));
    t.equal(unpacking(read('Dockerfile')), unpacking(container));
  },
);

t.test('an image without a registry has the user, the start and the health check of the Containerfile', async (t) => {
  const module = JSON.stringify(join(packageRoot, 'scripts/release/image.js'));
  const source = `import { readContainerfile } from ${module}; console.log(JSON.stringify(readContainerfile()));`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', source], { encoding: 'utf8' });
  t.same(
    JSON.parse(stdout || '{}').config,
    {
      User: 'roomkin',
      Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
      Entrypoint: ['/usr/lib/roomkin/deploy/container/start'],
      Volumes: { '/var/lib/roomkin': {} },
      StopSignal: 'SIGTERM',
      // Nanoseconds.
      Healthcheck: {
        Test: ['CMD', 'roomkin', 'status'],
        Interval: 60e9,
        Timeout: 20e9,
        StartPeriod: 180e9,
        Retries: 3,
      },
    },
    stderr,
  );
  t.match(JSON.parse(stdout || '{}'), {
    packages: ['ca-certificates', 'ffmpeg', 'passwd'],
    commands: [/^groupadd /, /^useradd /, /^install -d /, /^ln -s /],
  });
});

/** As root the scripts become the user roomkin, who exists in the image only. So they run as nobody then. */
const user = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
const uid = user.uid ?? process.getuid?.();

/**
 * A release of which only the parts of the start are there: its scripts and its compiled program. In place of the daemon it has a program
 * that writes down how it was called.
 */
function fakeRelease(teardown: (remove: () => void) => void) {
  const root = mkdtempSync(join(tmpdir(), 'roomkin-container-'));
  teardown(() => rmSync(root, { recursive: true }));
  chmodSync(root, 0o777);
  const scripts = join(root, 'lib/deploy/container');
  mkdirSync(scripts, { recursive: true });
  for (const name of ['start', 'roomkin'])
    copyFileSync(join(packageRoot, 'deploy/container', name), join(scripts, name));
  symlinkSync(join(dirname(fileURLToPath(import.meta.url)), '../../src'), join(root, 'lib/dist'));
  mkdirSync(join(root, 'lib/bin'));
  const recorder = [
    '#!/bin/sh',
    `echo "$* config=$ROOMKIN_CONFIG token=\${SUPERVISOR_TOKEN-none} uid=$(id -u)" >>${root}/calls`,
    'if [ "$1" = enrol ] && [ "$2" = Mallory ]; then exit 65; fi',
    'if [ "$1" = run ]; then exit 42; fi',
  ];
  writeFileSync(join(root, 'lib/bin/roomkin'), `${recorder.join('\n')}\n`, { mode: 0o755 });
  const env = { PATH: process.env['PATH'], ROOMKIN_STATE: join(root, 'state'), ROOMKIN_PEOPLE: join(root, 'people') };
  return {
    root,
    env,
    /** Runs a script of the image. */
    script: (name: string, env: Record<string, string | undefined>, args: string[] = []) =>
      spawnSync(join(scripts, name), args, { env, encoding: 'utf8', ...user }),
    /** The calls since the last time. */
    calls() {
      const lines = readFileSync(join(root, 'calls'), 'utf8').trim().split('\n');
      rmSync(join(root, 'calls'));
      return lines;
    },
  };
}

const room = { ROOMKIN_ROOM: 'hall', ROOMKIN_CAMERA: '/dev/video0' };

t.test('start: configuration, people, daemon; its exit code is the one of the container', async (t) => {
  const { root, env, script, calls } = fakeRelease(t.teardown);
  for (const name of ['Ada', 'Anna Maria', 'Mallory']) {
    mkdirSync(join(root, 'people', name), { recursive: true });
    writeFileSync(join(root, 'people', name, '1.jpg'), name);
  }
  const first = script('start', { ...env, ...room });
  t.equal(first.status, 42, first.stderr);
  const config = join(root, 'state/config.toml');
  const tail = `config=${config} token=none uid=${uid}`;
  const enrol = (name: string): string => `enrol ${name} --photos ${root}/people/${name}/ --skip-bad ${tail}`;
  t.same(calls(), [enrol('Ada'), enrol('Anna Maria'), enrol('Mallory'), `run ${tail}`]);
  t.equal(loadConfig(config).room.id, 'hall');
  t.notMatch(readFileSync(join(root, 'state/photos-seen'), 'utf8'), /Ada/, 'no name stays on the disk');

  writeFileSync(join(root, 'people', 'Ada', '2.jpg'), 'new');
  script('start', { ...env, ...room });
  t.same(calls(), [enrol('Ada'), enrol('Mallory'), `run ${tail}`], 'only what changed or failed is read again');
});

t.test('start: bad options end it before anything else', async (t) => {
  const { root, env, script } = fakeRelease(t.teardown);
  const bad = script('start', { ...env, ...room, ROOMKIN_ROOM: 'Hall!' });
  t.equal(bad.status, 78);
  t.match(bad.stderr, /ROOMKIN_ROOM: use 1 to 32/);
  const none = script('start', env);
  t.equal(none.status, 78);
  t.match(none.stderr, /set ROOMKIN_ROOM and ROOMKIN_CAMERA, or mount a file/);
  t.notOk(readdirSync(root).includes('calls'), 'no program was started');
});

t.test('roomkin in the container: the token of the Supervisor does not reach it', async (t) => {
  const { env, script, calls } = fakeRelease(t.teardown);
  const given = { ...env, SUPERVISOR_TOKEN: 'secret', ROOMKIN_STATE: '/data/roomkin' };
  script('roomkin', given, ['people', '--json']);
  t.same(calls(), [`people --json config=/data/roomkin/config.toml token=none uid=${uid}`]);
});

t.test('npm run container: the folders for both builds, from a folder with tarballs', async (t) => {
  const name = `roomkin-${packageVersion}-linux-amd64.tar.xz`;
  const release = t.testdir({ [name]: 'tarball' });
  const script = join(packageRoot, 'scripts/container.js');
  for (const turn of ['first', 'second']) {
    const { status, stderr } = spawnSync(process.execPath, [script, '--release', release], { encoding: 'utf8' });
    t.equal(status, 0, `${turn}: ${stderr}`);
  }
  t.same(readdirSync(join(release, 'container')).sort(), ['Containerfile', name]);
  t.same(readdirSync(join(release, 'home-assistant-app')).sort(), ['repository.yaml', 'roomkin']);
  const app = readdirSync(join(release, 'home-assistant-app/roomkin'));
  for (const file of ['config.yaml', 'Dockerfile', 'DOCS.md', 'README.md', 'CHANGELOG.md', 'translations', name])
    t.ok(app.includes(file), file);
  const empty = spawnSync(process.execPath, [script, '--release', t.testdir()], { encoding: 'utf8' });
  t.equal(empty.status, 1);
  t.match(empty.stderr, /there is no roomkin-.*: npm run release/);
});
