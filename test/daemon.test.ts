// The daemon as a process, with the real models, a real gallery and a real broker. The camera is a folder of pictures.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import sharp, { type Sharp } from 'sharp';
import t from 'tap';
import { openStore } from '../src/store/gallery-store.js';
import { type Listener, listenTo, mosquittoPath, startAedes, startMosquitto } from './helpers/brokers.js';
import { runCli, runVerb, spawnCli } from './helpers/cli.js';
import { otherPortrait, pictures } from './helpers/room-pictures.js';
import { shortFolder } from './helpers/short-folder.js';

const patienceMs = 120_000;
t.setTimeout(300_000);
t.jobs = 4;

async function until<T>(what: string, read: () => T | undefined | Promise<T | undefined>): Promise<T> {
  for (const end = Date.now() + patienceMs; Date.now() < end; await wait(50)) {
    const value = await read();
    if (value !== undefined) return value;
  }
  throw new Error(`waited ${patienceMs / 1000} s for ${what}`);
}

const events = (listener: Listener) => listener.of('room/lab/person').map((text) => JSON.parse(text));
const lastState = (listener: Listener) => {
  const text = listener.of('room/lab/state').at(-1);
  return text === undefined ? undefined : JSON.parse(text);
};
const enginePids = (daemon: number): number[] => {
  try {
    return execFileSync('pgrep', ['-P', String(daemon), '-f', 'engine/child'], { encoding: 'utf8' })
      .trim()
      .split('\n')
      .map(Number);
  } catch {
    return [];
  }
};

t.test(
  'a person is enrolled, seen and forgotten while the daemon runs; it survives pauses and a dead engine',
  async (t) => {
    const folder = shortFolder(t);
    const { frames, portrait } = await pictures(folder);
    await using broker = mosquittoPath === null ? await startAedes() : await startMosquitto();
    await using listener = await listenTo(broker.url);
    const config = join(folder, 'config.toml');
    writeFileSync(
      config,
      `[room]\nid = "lab"\n[camera]\nsource = "replay"\ninput = "${frames}"\nloop = true\nwidth = 384\nheight = 256\nframerate = 5
[presence]\nleave_after_seconds = 2\n[mqtt]\nurl = "${broker.url}"\ncorrections = true\n[privacy]\nsnapshots = true\n[store]\ndirectory = "${join(folder, 's')}"\n`,
    );
    const daemon = spawnCli(['run', '--config', config]);
    let log = '';
    daemon.stderr?.setEncoding('utf8').on('data', (text: string) => {
      log += text;
    });
    t.teardown(() => daemon.kill('SIGKILL'));

    await until('a state that is not null', () => (lastState(listener)?.occupied === true ? true : undefined));
    t.equal(lastState(listener).people.length, 0, 'nobody is enrolled, so nobody has a name');

    t.equal((await runVerb(['enrol', 'Ada', '--photos', portrait, '--config', config])).code, 0);
    const arrived = await until('Ada', () => events(listener).find((event) => event.event_type === 'arrived'));
    t.match(arrived, { person: 'ada', name: 'Ada', present: ['ada'] }, 'the gallery was read without a restart');
    t.notMatch(JSON.stringify(arrived), /similarity|margin/, 'no similarity leaves the process');
    await listener.say('room/lab/correction/set', JSON.stringify({ correction: arrived.correction, not: 'ada' }));
    const answer = await until('an answer', () => listener.of('room/lab/correction')[0]);
    t.match(JSON.parse(answer), { event_type: 'refused', correction: arrived.correction, text: /^it resembles Ada/ });

    const [engine] = enginePids(daemon.pid!);
    t.ok(engine, 'the models run in a process of their own');
    process.kill(engine!, 'SIGKILL');
    await until('another engine', () => (enginePids(daemon.pid!).some((pid) => pid !== engine) ? true : undefined));
    t.equal(daemon.exitCode, null, 'the daemon survives the death of its engine');

    const beforeRestart = enginePids(daemon.pid!);
    await listener.say('room/lab/restart/set', 'PRESS');
    await until('the engine of a new run', () =>
      enginePids(daemon.pid!).some((pid) => !beforeRestart.includes(pid)) ? true : undefined,
    );
    await until('a state after the restart', () => (lastState(listener)?.people?.length === 1 ? true : undefined));

    await listener.say('room/lab/recognition/set', 'OFF');
    await until('null', () => (lastState(listener).occupied === null ? true : undefined));
    t.match(JSON.parse((await runVerb(['status', '--json', '--config', config])).stdout), {
      recognition: 'off',
      camera: { state: 'paused' },
      presence: { occupied: null, people: null },
    });
    t.equal((await runVerb(['resume', '--config', config])).code, 0);
    await until('a state again', () => (lastState(listener).occupied === true ? true : undefined));
    t.notOk(
      events(listener).some((event) => event.event_type === 'left'),
      'a pause proves no absence: she did not leave',
    );

    const why = async () => {
      const { code, stdout, stderr } = await runVerb(['why', '--last', '200', '--json', '--config', config]);
      return { code, stderr, looks: stdout === '' ? [] : JSON.parse(stdout).looks };
    };
    const explained = (await why()).looks;
    t.ok(
      explained.some(({ name }: { name: string }) => name === 'Ada'),
      'why explains the last faces',
    );
    const replayed = JSON.parse((await runVerb(['replay', '--json', '--config', config])).stdout);
    t.ok(replayed.tracks > 0, 'replay re-evaluates them while the daemon runs');

    t.equal((await runVerb(['forget', 'Ada', '--yes', '--config', config])).code, 0);
    await until('her leaving', () => events(listener).find((event) => event.event_type === 'left'));
    t.strictSame(lastState(listener).people, []);
    const remaining = await why();
    t.notMatch(JSON.stringify(remaining.looks), /ada/i, 'no observation mentions her any more');

    daemon.kill('SIGKILL');
    await until('the will', () => (listener.of('room/lab/status').at(-1) === 'offline' ? true : undefined));
    t.notMatch(log, /INTERNAL|at file:/, 'no stack trace in the log');
    const later = await why();
    t.match(later, { code: 0, stderr: /the daemon is not running/ }, 'the journal survives the daemon');
    t.ok(later.looks.some(({ id }: { id: number }) => id === remaining.looks[0]?.id));
  },
);

t.test('a static face that was stored before a restart has no name from the first frame on', async (t) => {
  const folder = shortFolder(t);
  const { frames, portrait } = await pictures(folder);
  await using broker = await startAedes();
  await using listener = await listenTo(broker.url);
  const config = join(folder, 'config.toml');
  writeFileSync(
    config,
    `[room]\nid = "lab"\n[camera]\nsource = "replay"\ninput = "${frames}"\nloop = true\nwidth = 384\nheight = 256\nframerate = 5
[mqtt]\nurl = "${broker.url}"\n[store]\ndirectory = "${join(folder, 's')}"\n[service]\nhealth_seconds = 5\n`,
  );
  t.equal((await runVerb(['enrol', 'Ada', '--photos', portrait, '--config', config])).code, 0);
  const detected = await runVerb(['detect', join(frames, '0.jpg'), '--json', '--config', config]);
  const { box } = JSON.parse(detected.stdout).files[0].faces[0];
  {
    using store = openStore({ directory: join(folder, 's'), keyFile: join(folder, 's', 'key') });
    store.setSetting('fixed_faces', JSON.stringify({ size: [384, 256], faces: [{ box, stillMs: 7_200_000 }] }));
  }
  const daemon = spawnCli(['run', '--config', config]);
  t.teardown(() => daemon.kill('SIGKILL'));
  const health = await until('its health', () => listener.of('room/lab/health').at(-1));
  t.match(JSON.parse(health), { fixed_faces: 1 });
  const status = await until('twenty frames', async () => {
    const { code, stdout } = await runVerb(['status', '--json', '--config', config]);
    const answer = JSON.parse(stdout);
    return code === 0 && answer.frames.processed > 20 ? answer : undefined;
  });
  t.match(status, { fixedFaces: [{ xPx: Number, yPx: Number, widthPx: Number }], presence: { occupied: false } });
  t.ok(status.fixedFaces[0].stillSeconds > 7200, 'it is seen, and still static');
  t.strictSame(events(listener), []);
  const why = JSON.parse((await runVerb(['why', '--last', '3', '--json', '--config', config])).stdout);
  for (const { name, rule } of why.looks) t.match({ name, rule }, { name: null, rule: /^has not moved for 2 h/ });
});

t.test('with snapshots the picture of each arrival is the face of the event', async (t) => {
  const folder = shortFolder(t);
  const { portrait } = await pictures(folder);
  // Ada is red and large, the stranger is blue and small: the colour of a picture says who it shows.
  const tinted = (image: Sharp, [red, green, blue]: readonly [number, number, number]) =>
    image.recomb([
      [red, 0, 0],
      [0, green, 0],
      [0, 0, blue],
    ]);
  const ada = await tinted(sharp(portrait).resize(256, 256), [1, 0.85, 0.65]).toBuffer();
  const stranger = await tinted(sharp(await otherPortrait()).resize(176, 176), [0.65, 0.85, 1]).toBuffer();
  const frames = join(folder, 'both');
  mkdirSync(frames);
  for (const shift of [0, 8])
    await sharp({ create: { width: 640, height: 320, channels: 3, background: '#8a8a8a' } })
      .composite([
        { input: ada, left: 20 + shift, top: 30 },
        { input: stranger, left: 400 + shift, top: 60 },
      ])
      .jpeg({ quality: 92 })
      .toFile(join(frames, `${shift}.jpg`));
  await using broker = await startAedes();
  await using listener = await listenTo(broker.url);
  const sent: { topic: string; payload: Buffer }[] = [];
  listener.client.on('message', (topic, payload) => void sent.push({ topic, payload }));
  const config = join(folder, 'config.toml');
  writeFileSync(
    config,
    `[room]\nid = "lab"\n[camera]\nsource = "replay"\ninput = "${frames}"\nloop = true\nwidth = 640\nheight = 320\nframerate = 5
[privacy]\nsnapshots = true\n[mqtt]\nurl = "${broker.url}"\n[store]\ndirectory = "${join(folder, 's')}"\n`,
  );
  t.equal((await runVerb(['enrol', 'Ada', '--photos', portrait, '--config', config])).code, 0);
  const daemon = spawnCli(['run', '--config', config]);
  t.teardown(() => daemon.kill('SIGKILL'));
  const picture = async (type: string, topic: string) => {
    await until(type, () => events(listener).find((event) => event.event_type === type));
    const at = sent.findIndex(({ payload }) => payload.includes(`"event_type":"${type}"`));
    t.equal(JSON.parse(String(sent[at]!.payload)).snapshot, topic);
    const before = sent.slice(0, at).findLast((message) => message.topic.startsWith('room/lab/snapshot/'));
    t.equal(before?.topic, topic, 'the picture is sent before its event');
    const { channels } = await sharp(before!.payload).stats();
    return channels[0]!.mean / channels[2]!.mean;
  };
  const red = await picture('arrived', 'room/lab/snapshot/arrival');
  const blue = await picture('stranger_arrived', 'room/lab/snapshot/stranger');
  t.ok(red > 1.5 * blue, `red to blue: Ada ${red.toFixed(2)}, the stranger ${blue.toFixed(2)}`);
  t.equal(sent.filter(({ topic }) => topic.includes('/snapshot')).length, 4, 'nothing is sent on a timer');
});

t.test('SIGTERM ends the daemon cleanly and at once', async (t) => {
  const folder = shortFolder(t);
  const { frames } = await pictures(folder);
  await using broker = await startAedes();
  await using listener = await listenTo(broker.url);
  const config = join(folder, 'config.toml');
  writeFileSync(
    config,
    `[room]\nid = "lab"\n[camera]\nsource = "replay"\ninput = "${frames}"\nloop = true\nwidth = 384\nheight = 256
[mqtt]\nurl = "${broker.url}"\nprotocol = 4\n[privacy]\nlooks_kept_hours = 0\n[store]\ndirectory = "${join(folder, 's')}"\n`,
  );
  const daemon = spawnCli(['run', '--config', config]);
  t.teardown(() => daemon.kill('SIGKILL'));
  await until('online', () => (listener.of('room/lab/camera').at(-1) === 'online' ? true : undefined));
  const [engine] = await until('the engine', () =>
    enginePids(daemon.pid!).length > 0 ? enginePids(daemon.pid!) : undefined,
  );
  const ended = new Promise((resolve) => daemon.once('exit', (code) => resolve(code)));
  daemon.kill('SIGTERM');
  t.equal(await ended, 0);
  t.equal(listener.of('room/lab/status').at(-1), 'offline');
  t.equal(lastState(listener).occupied, null);
  t.throws(() => process.kill(engine!, 0), { code: 'ESRCH' }, 'its engine has ended too');
  t.notOk(existsSync(join(folder, 's', 'looks.sqlite')), 'no observation is stored where the configuration forbids it');
});

t.test('a wrong configuration starts nothing', async (t) => {
  const folder = shortFolder(t);
  const config = join(folder, 'config.toml');
  writeFileSync(config, '[room]\nid = "lab"\nnam = "Lab"\n[camera]\nframerate = "fast"\n');
  const { code, stdout, stderr } = await runCli(['run', '--config', config]);
  t.equal(code, 78);
  t.equal(stdout, '');
  const lines = stderr.trimEnd().split('\n');
  t.match(lines[0], /^roomkin: CONFIG_INVALID: 2 errors, nothing was started$/);
  t.match(lines[1], `${config}:3: room.nam: unknown key; did you mean name?`);
  t.match(lines[2], `${config}:5: camera.framerate: `);
  t.equal(lines.length, 3);
});
