// The verbs as processes, against a real control socket with a daemon of a few plain functions behind it.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { silentLog } from '../../src/base/log.js';
import type { DaemonStatus, WatchUpdate } from '../../src/control/protocol.js';
import { type ControlHandlers, startControl } from '../../src/control/server.js';
import type { ExplainedObservation } from '../../src/journal/journal.js';
import { runVerb, spawnCli } from '../helpers/cli.js';
import { idleHandlers } from '../helpers/control-handlers.js';
import { shortFolder } from '../helpers/short-folder.js';

const nobody = { occupied: false, people: [], ambiguous: [], strangers: 0 };
const status: DaemonStatus = {
  version: '9.9.9',
  room: 'lab',
  pid: 4242,
  uptimeSeconds: 90061,
  recognition: 'on',
  recognitionReason: null,
  problems: [],
  camera: { state: 'offline', reason: 'the sensor stopped \u001b[2J', frames: 10, drops: 2, reopened: 1 },
  engine: {
    detector: 'blaze',
    embedder: 'net',
    delegate: 'none',
    delegateReason: 'no compiler',
    sandboxed: true,
    restarts: 0,
  },
  frames: { processed: 8, fps: 4.97, analysedFps: 1.02, search: 'full', p50Ms: 41.2, p95Ms: 77.7 },
  gallery: { people: 2, templates: 11 },
  mqtt: { connected: false, url: 'broker:1883', reason: 'nobody listens there' },
  presence: {
    occupied: true,
    people: [{ person: 'ada', name: 'Ada', as: 'assumed', since: '2026-11-23T10:00:00.000Z' }],
    ambiguous: [{ people: ['bea', 'cleo'], names: ['Bea', 'Cleo'], since: '2026-11-23T10:00:00.000Z' }],
    strangers: 1,
  },
  fixedFaces: [{ xPx: 412, yPx: 220, widthPx: 61, stillSeconds: 11_000 }],
};
const look: ExplainedObservation = {
  id: 417,
  at: '2026-11-23T10:00:00.000Z',
  track: 3,
  eyesPx: 21.4,
  sharpness: 0.61,
  yawDegrees: -12,
  pitchDegrees: 4,
  light: 0.4,
  best: { name: 'Ada', similarity: 0.512, threshold: 0.55 },
  second: { name: 'Bob', similarity: 0.498, threshold: 0.5 },
  margin: 0.014,
  state: 'ambiguous',
  name: null,
  rule: 'Ada and Ben are 0.01 apart, 0.08 needed',
  reason: { kind: 'too-close', best: 'ada', second: 'ben', margin: 0.01, needed: 0.08 },
};
const updates: WatchUpdate[] = [
  { type: 'state', at: '2026-11-23T10:00:00.000Z', ...nobody },
  { type: 'event', at: '2026-11-23T10:00:01.000Z', event: 'arrived', person: 'ada', name: 'Ada', confidence: 'high' },
  {
    type: 'event',
    at: '2026-11-23T10:00:02.000Z',
    event: 'left',
    person: 'ada',
    name: 'Ada',
    confidence: 'high',
    moved_to: 'hall',
  },
  { type: 'state', at: '2026-11-23T10:00:02.000Z', occupied: null, people: null, ambiguous: null, strangers: null },
];

async function daemon(t: Tap, over: Partial<ControlHandlers> = {}) {
  const folder = shortFolder(t);
  const path = join(folder, 'lab.sock');
  const calls: string[] = [];
  const control = await startControl({
    place: { listen: path, connect: [path] },
    log: silentLog,
    handlers: {
      ...idleHandlers,
      status: () => status,
      why: (last) => {
        calls.push(`why ${last}`);
        return [look];
      },
      pause: async () => void calls.push('pause'),
      resume: async () => void calls.push('resume'),
      watch(send) {
        for (const update of updates) send(update);
        return () => {};
      },
      ...over,
    },
  });
  t.teardown(() => control.stop());
  return { config: configIn(folder), calls, control };
}

type Tap = { teardown(fn: () => unknown): void };

function configIn(folder: string): string {
  const path = join(folder, 'config.toml');
  writeFileSync(path, `[room]\nid = "lab"\n[store]\ndirectory = "${folder}"\n`);
  return path;
}

const widest = (text: string): number => Math.max(...text.split('\n').map((line) => line.length));

t.test('status fits 80 columns, escapes what it quotes, and says what to do', async (t) => {
  const { config } = await daemon(t);
  const { code, stdout } = await runVerb(['status', '--config', config]);
  t.equal(code, 0);
  t.ok(widest(stdout) <= 80, stdout);
  t.match(stdout, /^room +lab: Ada \(assumed\), either Bea or Cleo, 1 unknown person$/m);
  t.match(stdout, /up 1 d 1 h$/m);
  t.match(stdout, /5\.0 a second, 41 ms each \(p95 78 ms\)/);
  t.match(stdout, /^static faces +1 face has not moved and is ignored: 412,220 px \(3 h 3 min\)$/m);
  t.match(stdout, /not connected to broker:1883: nobody listens there/);
  t.notMatch(stdout, '\u001b');
  const json = await runVerb(['status', '--json', '--config', config]);
  t.same(JSON.parse(json.stdout), status);
});

t.test('why explains, in words and as JSON', async (t) => {
  const { config, calls } = await daemon(t);
  const { stdout } = await runVerb(['why', '--last', '3', '--config', config]);
  t.match(stdout, /^observation 417 {2}..:..:.. {2}track 3\n {4}eyes 21 px/);
  t.match(
    stdout.replaceAll(/\s+/g, ' '),
    /no name: Ada and Ben are .* needed \(Ada 0\.512, then Bob 0\.498, margin 0\.014\)/,
  );
  t.match(stdout, /^417 Ada {2}0\.51 0\.55 {2}[#█]+ +[|│]\n {4}Bob {2}0\.50 0\.50 {2}[#█]+ +[|│]\n$/m, 'a bar each');
  t.ok(widest(stdout) <= 80, stdout);
  const json = await runVerb(['why', '--json', '--config', config]);
  t.same(JSON.parse(json.stdout), { looks: [look] });
  t.same(calls, ['why 3', 'why 10']);
});

t.test('pause and resume reach the daemon', async (t) => {
  const { config, calls } = await daemon(t);
  t.match(await runVerb(['pause', '--config', config]), { code: 0, stdout: /stopped/ });
  t.match(await runVerb(['resume', '--json', '--config', config]), { code: 0, stdout: '{"recognition":"on"}\n' });
  t.same(calls, ['pause', 'resume']);
});

t.test('watch prints one line or one document per change and ends with the daemon', async (t) => {
  const { config, control } = await daemon(t);
  const child = spawnCli(['watch', '--json', '--config', config]);
  let text = '';
  child.stdout?.on('data', (chunk) => {
    text += chunk;
    if (text.split('\n').length > updates.length) void control.stop();
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  t.equal(code, 69);
  t.same(
    text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
    updates,
  );
});

t.test('watch ends well with Ctrl-C', async (t) => {
  const { config } = await daemon(t);
  const child = spawnCli(['watch', '--config', config]);
  let text = '';
  child.stdout?.on('data', (chunk) => {
    text += chunk;
    if (text.split('\n').length > updates.length) child.kill('SIGINT');
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  t.equal(code, 0);
  t.match(
    text,
    /now: nobody\n.* Ada arrived\n.* Ada left, is in hall\n.*now: not known while the camera gives no picture\n/,
  );
});

t.test('without a daemon every one of them says so, with exit code 69', async (t) => {
  const config = configIn(shortFolder(t));
  for (const verb of ['status', 'why', 'watch', 'pause', 'resume']) {
    const { code, stdout, stderr } = await runVerb([verb, '--json', '--config', config]);
    t.equal(code, 69, verb);
    t.match(JSON.parse(stdout), { error: { code: 'DAEMON_NOT_RUNNING', message: /systemctl/, exitCode: 69 } }, verb);
    t.match(stderr, /^roomkin: DAEMON_NOT_RUNNING: .*systemctl start roomkin.*\n$/);
  }
});

t.test('what they do not know is a usage error', async (t) => {
  const config = configIn(shortFolder(t));
  for (const args of [
    ['status', 'x'],
    ['why', '--last', '0'],
    ['why', '--last', 'x'],
    ['why', '--lats', '1'],
    ['watch', '-z'],
  ]) {
    const { code, stderr } = await runVerb([...args, '--config', config]);
    t.equal(code, 64, args.join(' '));
    t.match(stderr, /^roomkin: USAGE: .*\n$/);
  }
});
