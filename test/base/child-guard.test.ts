// Child processes end with their parent, and the sandbox of the engine's child holds.
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import t from 'tap';
import { guarded, guardPath, sandboxed } from '../../src/base/child-guard.js';
import { packageRoot } from '../../src/base/files.js';
import { createEngine } from '../../src/engine/supervisor.js';

const compiled = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'roomkin-guard-'));

/** State of a process as in proc(5); null when it is gone (a zombie is). */
function stateOf(pid: number): string | null {
  try {
    const state = /\) (\w)/.exec(readFileSync(`/proc/${pid}/stat`, 'latin1'))![1]!;
    return state === 'Z' || state === 'X' ? null : state;
  } catch {
    return null;
  }
}

async function until(condition: () => boolean, limitMs: number): Promise<number> {
  const startedAt = performance.now();
  while (!condition() && performance.now() - startedAt < limitMs) await delay(5);
  return performance.now() - startedAt;
}

/** Starts a parent with an engine that follows `plan` and a camera program. Its children's ids. */
async function startParent(plan: string, camera: readonly string[]): Promise<{ parent: ChildProcess; pids: number[] }> {
  const starts = join(folder, `starts-${plan}`);
  writeFileSync(starts, '');
  const parent = spawn(
    process.execPath,
    [compiled('./guarded-parent.js'), compiled('../engine/fake-child.js'), ...camera],
    {
      env: { ...process.env, FAKE_CHILD_PLAN: plan, FAKE_CHILD_STARTS: starts },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const [text] = (await once(parent.stdout!, 'data')) as [Buffer];
  return { parent, pids: String(text).trim().split(/\s+/).map(Number) };
}

const sleeping = ['sleep', '600'];
const busy = [process.execPath, '-e', 'for (;;);'];
const stubborn = ['sh', '-c', "trap '' INT TERM HUP PIPE; while :; do :; done"];
for (const [what, plan, camera, signal] of [
  ['idle', 'ok', sleeping, null],
  ['busy', 'busy-on-frame', busy, null],
  ['deaf to other signals', 'busy-on-frame', stubborn, null],
  ['stopped', 'hang-on-frame', sleeping, 'SIGSTOP'],
] as const) {
  t.test(`children that are ${what} end with a parent that is killed`, async (t) => {
    const { parent, pids } = await startParent(plan, camera);
    t.teardown(() => {
      for (const pid of pids) if (stateOf(pid) !== null) process.kill(pid, 'SIGKILL');
    });
    t.equal(pids.length, 2, 'the engine and the camera');
    if (signal !== null) {
      for (const pid of pids) process.kill(pid, signal);
      await until(() => pids.every((pid) => stateOf(pid) === 'T'), 2000);
    }
    parent.kill('SIGKILL');
    const goneMs = await until(() => pids.every((pid) => stateOf(pid) === null), 5000);
    t.comment(`${goneMs.toFixed(0)} ms`);
    t.ok(goneMs < 1000);
  });
}

t.test('a child whose parent died before it began does not run', async (t) => {
  const { stdout, status } = spawnSync(guardPath, ['1', '--', 'echo', 'ran'], { encoding: 'utf8' });
  t.equal(stdout, '');
  t.not(status, 0);
});

t.test('without the guard setpriv does it, without both the program is started plainly', async (t) => {
  t.strictSame(guarded(['true']), [guardPath, String(process.pid), '--', 'true']);
  const { PATH } = process.env;
  const missing = join(folder, 'no-guard');
  const withSetpriv = guarded(['echo', 'ran'], missing);
  t.strictSame(withSetpriv.slice(0, 3), ['setpriv', '--pdeathsig', 'KILL']);
  t.equal(spawnSync(withSetpriv[0]!, withSetpriv.slice(1), { encoding: 'utf8' }).stdout, 'ran\n');
  t.strictSame(sandboxed(['/bin/true'], missing), withSetpriv.slice(0, 4).concat('/bin/true'));
  // A new process, because each program is tried only once.
  const script = `import(${JSON.stringify(new URL('../../src/base/child-guard.js', import.meta.url).href)})
    .then(({ guarded }) => console.log(guarded(['/bin/true'], '/no/guard').join()))`;
  process.env['PATH'] = folder;
  t.teardown(() => (process.env['PATH'] = PATH));
  t.equal(spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' }).stdout, '/bin/true\n');
});

t.test('a guard for another machine, or one that may not be executed, counts as missing', async (t) => {
  for (const [name, mode] of [
    ['data', 0o644],
    ['other-machine', 0o755],
  ] as const) {
    const path = join(folder, name);
    writeFileSync(path, '\u007fELF of another machine');
    chmodSync(path, mode);
    t.not(guarded(['true'], path)[0], path);
  }
});

interface Probe {
  readonly main: Readonly<Record<string, string>>;
  readonly thread: Readonly<Record<string, string>>;
  readonly sandbox: string | null;
}

t.test('the sandbox refuses sockets and programs in every thread; without it they work', async (t) => {
  const tcp = createServer().listen(0, '127.0.0.1');
  const unix = createServer().listen(join(folder, 'socket'));
  const udp = createSocket('udp4').bind(0, '127.0.0.1');
  await Promise.all([once(tcp, 'listening'), once(unix, 'listening'), once(udp, 'listening')]);
  const port = (server: Server): string => String((server.address() as AddressInfo).port);
  const argv = [
    process.execPath,
    compiled('./sandbox-probe.js'),
    port(tcp),
    String(udp.address().port),
    join(folder, 'socket'),
  ];
  const probe = async ([program = '', ...args]: readonly string[]): Promise<Probe> =>
    JSON.parse((await promisify(execFile)(program, args)).stdout);

  const free = await probe(argv);
  t.match(free, { sandbox: null, main: { tcp: 'ok', udp: 'ok', unix: 'ok', listen: 'ok', program: 'ok' } });
  const inside = await probe(sandboxed(argv));
  const refused = { tcp: 'EPERM', tcp6: 'EPERM', unix: 'EPERM', udp: 'EPERM', listen: 'EPERM', program: 'EPERM' };
  t.strictSame(inside, { sandbox: 'on', main: { ...refused, fileRead: 'ok' }, thread: { ...refused, fileRead: 'ok' } });
  tcp.close();
  unix.close();
  udp.close();
});

/** How many filters of system calls each thread of a process has. */
function filters(pid: number | 'self'): number[] {
  return readdirSync(`/proc/${pid}/task`).map((thread) => {
    const status = readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8');
    return Number(/Seccomp_filters:\s*(\d+)/.exec(status)?.[1] ?? 0);
  });
}

t.test('the engine runs its real models in the sandbox', async (t) => {
  await using engine = createEngine({ threads: 2 });
  t.match(await engine.start(), { sandboxed: true, sandboxReason: null });
  const children = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim().split(' ').map(Number);
  const [own = 0] = filters('self');
  for (const pid of children)
    t.ok(
      filters(pid).every((count) => count === own + 1),
      'every thread has one filter more',
    );
});

t.test('where the kernel refuses the filter or the guard is missing, the engine runs on and says so', async (t) => {
  const guard = join(folder, 'guard-without-filter');
  const source = join(packageRoot, 'native', 'child-guard.c');
  spawnSync('cc', ['-DFILTER_MODE=99', '-o', guard, source]);
  if (!existsSync(guard)) return void t.comment('skipped: no C compiler here');
  for (const [path, reason] of [
    [guard, /Invalid argument/],
    [join(folder, 'absent'), /not built.*npm rebuild/],
  ] as const) {
    await using engine = createEngine({ guard: path, threads: 1 });
    t.match(await engine.start(), { sandboxed: false, sandboxReason: reason });
  }
});
