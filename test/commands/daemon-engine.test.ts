// Verbs that read photos beside a daemon: they use its engine and start none of their own. The socket, the engine and the gallery are real.
import { existsSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import sharp from 'sharp';
import t from 'tap';
import { packageRoot } from '../../src/base/files.js';
import { silentLog } from '../../src/base/log.js';
import { interrupted, runCommandLine } from '../../src/cli.js';
import { loadConfig } from '../../src/config/load.js';
import { faceToSend } from '../../src/control/photo.js';
import { type Control, type ControlHandlers, startControl } from '../../src/control/server.js';
import type { SharedEngine } from '../../src/engine/engine.js';
import { createEngine } from '../../src/engine/supervisor.js';
import { openStore } from '../../src/store/gallery-store.js';
import { collect, runCli, spawnCli } from '../helpers/cli.js';
import { idleHandlers } from '../helpers/control-handlers.js';
import { shortFolder } from '../helpers/short-folder.js';

t.setTimeout(180_000);
process.env['TERM'] = 'xterm';

const photos = shortFolder(t);
const samples = join(packageRoot, 'node_modules', '@vladmandic', 'face-api', 'demo');
const cut = sharp(join(samples, 'sample5.jpg')).extract({ left: 180, top: 740, width: 560, height: 560 });
const [first, second] = [join(photos, '1.jpg'), join(photos, '2.jpg')];
await cut.clone().jpeg().toFile(first);
await cut.clone().flop().modulate({ brightness: 0.8 }).jpeg().toFile(second);

const engine: SharedEngine = createEngine({ threads: 1 });
await engine.start();
t.teardown(() => engine.stop());

interface Place {
  readonly config: string;
  readonly socket: string;
}

function place(t: { teardown(fn: () => void): void }, more = ''): Place {
  const folder = shortFolder(t);
  const [config, store] = [join(folder, 'config.toml'), join(folder, 's')];
  writeFileSync(config, `[room]\nid = "lab"\n[store]\ndirectory = "${store}"\n${more}`);
  return { config, socket: join(store, 'lab.sock') };
}

/** A daemon with only what photos need; `over` replaces handlers. */
async function daemon(
  t: { teardown(fn: () => unknown): void },
  { socket }: Place,
  over: Partial<ControlHandlers> = {},
): Promise<Control> {
  const control = await startControl({
    place: { listen: socket, connect: [socket] },
    log: silentLog,
    handlers: {
      ...idleHandlers,
      status: () => {
        throw new Error('not asked for here');
      },
      engine: () => engine.info!,
      async analyze(photo, request, { signal, progress }) {
        const { faces, times } = await engine.analyzePhoto(photo, request, signal, progress);
        return { faces: faces.map(faceToSend), times };
      },
      ...over,
    },
  });
  t.teardown(() => control.stop());
  return control;
}

interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** How many engines of its own the verb has opened. */
  readonly engines: number;
}

async function roomkin(
  { config }: Place,
  args: readonly string[],
  { signal, onStderr = () => {} }: { signal?: AbortSignal; onStderr?: (text: string) => void } = {},
): Promise<Result> {
  const written = { stdout: '', stderr: '' };
  let engines = 0;
  const code = await runCommandLine([...args, '--config', config], {
    stdout: {
      write(text) {
        written.stdout += text;
        return true;
      },
    },
    stderr: {
      // Each step of the progress is written to a terminal.
      isTTY: true,
      write(text) {
        written.stderr += text;
        onStderr(written.stderr);
        return true;
      },
    },
    signal: signal ?? new AbortController().signal,
    async openEngine() {
      engines++;
      const stop = async (): Promise<void> => {};
      return {
        start: async () => engine.info!,
        analyze: engine.analyze,
        fault: null,
        stop,
        [Symbol.asyncDispose]: stop,
      };
    },
  });
  return { code, ...written, engines };
}

function templatesOf({ config }: Place): Float32Array[] {
  using opened = openStore(loadConfig(config).store);
  return opened.gallery(engine.info!.space).people.flatMap(({ templates }) => templates.map(({ vector }) => vector));
}

t.test('enrol and identify use the engine of the daemon, with the same templates as their own', async (t) => {
  const [beside, alone] = [place(t), place(t)];
  await daemon(t, beside);
  const progress: string[] = [];
  const enrolled = await roomkin(beside, ['enrol', 'Ada', '--photos', first, second], {
    onStderr: (text) => progress.push(text),
  });
  t.match(enrolled, { code: 0, engines: 0, stdout: /2 photos read/ });
  t.match(
    progress.at(-1),
    /photo 2 of 2: Ada, [1-9]\d* of at most \d+ parts searched/,
    'the steps of the daemon are shown',
  );
  t.notMatch(enrolled.stderr, /loading the models/);
  t.match(await roomkin(alone, ['enrol', 'Ada', '--photos', first, second]), { code: 0, engines: 1 });
  t.same(templatesOf(beside), templatesOf(alone));
});

t.test('a second photo waits until the first one is through, and is not sent before', async (t) => {
  const room = place(t);
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  const begun: number[] = [];
  await daemon(t, room, {
    async analyze(photo, request, { signal, progress }) {
      begun.push(photo.width);
      if (begun.length === 1) {
        progress('detect');
        await opened;
      }
      const { faces, times } = await engine.analyzePhoto(photo, request, signal, progress);
      return { faces: faces.map(faceToSend), times };
    },
  });
  const one = roomkin(room, ['enrol', 'Ada', '--photos', first], { onStderr: () => {} });
  while (begun.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
  const other = roomkin(room, ['enrol', 'Bob', '--photos', second, '--force'], {
    onStderr: (text) => text.includes('waiting for another photo') && open(),
  });
  t.match(await one, { code: 0 });
  t.match(await other, { code: 0, stderr: /waiting for another photo/ });
  t.equal(begun.length, 2);
});

t.test('a daemon of an older version: the verb says so and loads the models itself', async (t) => {
  const room = place(t);
  // Creates the folder of the socket.
  openStore(loadConfig(room.config).store)[Symbol.dispose]();
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    response.writeHead(404).end(JSON.stringify({ code: 'REQUEST_UNKNOWN', message: 'not known' }));
  });
  await new Promise<void>((resolve) => server.listen(room.socket, resolve));
  t.teardown(() => server.close());
  const enrolled = await roomkin(room, ['enrol', 'Ada', '--photos', first]);
  t.match(enrolled, { code: 0, engines: 1, stderr: /another version and reads no photos/ });
  t.same(asked, ['GET /engine']);
});

t.test('a daemon with another model than the configured one is not used', async (t) => {
  const room = place(t);
  await daemon(t, room, { engine: () => ({ ...engine.info!, embedder: 'another', space: 'another' }) });
  t.match(await roomkin(room, ['enrol', 'Ada', '--photos', first]), {
    code: 0,
    engines: 1,
    stderr: /still runs the model another/,
  });
});

t.test('check asks the daemon, and loads the models itself where the configuration has another runtime', async (t) => {
  const [same, other] = [place(t), place(t, '[embedder]\nruntime = "onnxruntime"\n')];
  for (const room of [same, other]) await daemon(t, room);
  t.match(await roomkin(same, ['check']), { engines: 0 });
  t.match(await roomkin(other, ['check']), { engines: 1 });
});

t.test('a daemon that dies in the middle: the verb goes on by itself, and everything is enrolled', async (t) => {
  const room = place(t);
  let count = 0;
  const control: Control = await daemon(t, room, {
    async analyze(photo, request, { signal, progress }) {
      if (++count === 2) {
        progress('detect');
        await control.stop();
      }
      const { faces, times } = await engine.analyzePhoto(photo, request, signal, progress);
      return { faces: faces.map(faceToSend), times };
    },
  });
  const enrolled = await roomkin(room, ['enrol', 'Ada', '--photos', first, second]);
  t.match(enrolled, { code: 0, engines: 1, stdout: /2 photos read/, stderr: /does not answer any more/ });
});

t.test('Ctrl-C in the middle of a photo: nothing is enrolled, and the daemon forgets the photo', async (t) => {
  const room = place(t);
  const interrupt = new AbortController();
  let forgotten = false;
  await daemon(t, room, {
    async analyze(_photo, _request, { signal, progress }) {
      progress('detect');
      interrupt.abort();
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
      forgotten = true;
      throw signal.reason;
    },
  });
  const result = await roomkin(room, ['enrol', 'Ada', '--photos', first], { signal: interrupt.signal });
  t.equal(result.code, interrupted);
  t.equal(result.engines, 0);
  while (!forgotten) await new Promise((resolve) => setTimeout(resolve, 10));
  t.same(templatesOf(room), []);
});

t.test('a wrong command line is refused before any model is loaded, and without asking for a photo', async (t) => {
  const room = place(t);
  const missing = join(photos, 'missing.jpg');
  for (const [args, code, message] of [
    [['enrol', 'Ada', '--photos', first, missing], 65, /PHOTO_UNREADABLE: .*missing\.jpg is not there/],
    [['enrol', 'Ada', '--photos', missing, '--skip-bad', '--lve'], 64, /USAGE/],
    [['identify', missing], 65, /PHOTO_UNREADABLE: .*missing\.jpg is not there/],
    [['enrol', '--from', join(photos, 'nowhere')], 65, /PHOTO_UNREADABLE/],
    [['show', 'Nobody'], 65, /PERSON_UNKNOWN/],
    [['enrol', 'a/b', '--photos', first], 65, /NAME_REFUSED/],
  ] as const)
    t.match(await roomkin(room, args), { code, engines: 0, stderr: message }, args.join(' '));
  t.match(await roomkin(room, ['enrol', 'Ada', '--photos', first, missing, '--skip-bad']), { code: 0, engines: 1 });
});

t.test('a real daemon whose recognition is switched off enrols a photo with its models', async (t) => {
  const frames = shortFolder(t);
  await sharp({ create: { width: 320, height: 240, channels: 3, background: '#887766' } })
    .jpeg()
    .toFile(join(frames, '1.jpg'));
  const room = place(
    t,
    `[camera]\nsource = "replay"\ninput = "${frames}"\nloop = true\n[mqtt]\nurl = "mqtt://127.0.0.1:1"\n`,
  );
  const env = { ROOMKIN_CONFIG: room.config };
  const daemon = spawnCli(['run'], env);
  const { written, ended } = collect(daemon);
  t.teardown(async () => {
    daemon.kill('SIGTERM');
    await ended;
  });
  while (!existsSync(room.socket)) {
    if (daemon.exitCode !== null) throw new Error(written.stderr);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  t.equal((await runCli(['pause'], env)).code, 0);
  const enrolled = await runCli(['enrol', 'Ada', '--photos', first], env);
  t.match(enrolled, { code: 0, stdout: /^Ada \(ada\): 1 photo read, 1 added/ });
  t.notMatch(enrolled.stderr, /loading the models/);
  t.match(await runCli(['identify', second], env), { code: 0, stdout: /Ada/ });
  t.match((await runCli(['check'], env)).stdout, /hashes correct/);
  t.match(JSON.parse((await runCli(['status', '--json'], env)).stdout), {
    recognition: 'off',
    engine: { restarts: 0 },
  });
});
