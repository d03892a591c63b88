// The real systemd-notify against a datagram socket of our own, where both are there; the rules of feeding always.
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import type { Log } from '../../src/base/log.js';
import { createNotifier } from '../../src/control/systemd.js';
import { shortFolder } from '../helpers/short-folder.js';

const noLog: Log = () => {};

function clockAt() {
  let now = 0;
  return {
    monotonicMs: () => now,
    wallMs: () => 0,
    advance(ms: number) {
      now += ms;
    },
  };
}

/** A program that writes its arguments down, one call a line. */
function recorder(t: { testdir(content: Record<string, string>): string }): { program: string; calls: () => string[] } {
  const folder = t.testdir({
    notify: '#!/bin/sh\nprintf "%s|" "$@" >>"$0.calls"\necho >>"$0.calls"\n',
    'notify.calls': '',
  });
  const program = join(folder, 'notify');
  chmodSync(program, 0o755);
  return { program, calls: () => readFileSync(`${program}.calls`, 'utf8').split('\n').filter(Boolean) };
}

const env = (more: Record<string, string> = {}) => ({ PATH: process.env['PATH'], NOTIFY_SOCKET: '/nowhere', ...more });

t.test('a frame feeds the watchdog, at most four times in its period', async (t) => {
  const { program, calls } = recorder(t);
  const clock = clockAt();
  const notifier = createNotifier({ clock, log: noLog, program, env: env({ WATCHDOG_USEC: '60000000' }) });
  notifier.ready('all well');
  await notifier.stopping();
  for (let second = 0; second < 60; second++) {
    notifier.frameProcessed();
    await sleep(1);
    clock.advance(1000);
  }
  await notifier.stopping();
  const pings = calls().filter((call) => call === 'WATCHDOG=1|');
  t.equal(pings.length, 4);
  t.equal(calls()[0], 'READY=1|STATUS=all well|');
  t.equal(calls().at(-1), 'STOPPING=1|');
});

t.test('time alone feeds nothing', async (t) => {
  const { program, calls } = recorder(t);
  const clock = clockAt();
  const notifier = createNotifier({ clock, log: noLog, program, env: env({ WATCHDOG_USEC: '40000' }) });
  await sleep(120);
  clock.advance(120);
  t.same(calls(), []);
  notifier.noFrameDue('paused');
  await notifier.stopping();
  t.same(calls(), ['WATCHDOG=1|', 'STOPPING=1|']);
});

t.test('a watchdog meant for another process, or none, is not fed', async (t) => {
  for (const more of [{}, { WATCHDOG_USEC: '1000000', WATCHDOG_PID: '1' }]) {
    const { program, calls } = recorder(t);
    const notifier = createNotifier({ clock: clockAt(), log: noLog, program, env: env(more) });
    notifier.frameProcessed();
    await notifier.stopping();
    t.same(calls(), ['STOPPING=1|']);
  }
});

t.test('the status line is one line, sent when it changes, and no shell sees it', async (t) => {
  const { program, calls } = recorder(t);
  const notifier = createNotifier({ clock: clockAt(), log: noLog, program, env: env() });
  notifier.status('$(id); `id`\nREADY=1');
  notifier.status('$(id); `id`\nREADY=1');
  await notifier.stopping();
  t.same(calls(), ['STATUS=$(id); `id`\\u000aREADY=1|', 'STOPPING=1|']);
});

t.test('children cannot speak for the daemon: its address is taken out of the environment', async (t) => {
  const own = env({ WATCHDOG_USEC: '1', WATCHDOG_PID: String(process.pid) });
  createNotifier({ clock: clockAt(), log: noLog, env: own, program: 'true' });
  t.same(Object.keys(own), ['PATH']);
});

t.test('without systemd nothing is started; with a broken program the daemon says so once and goes on', async (t) => {
  const logged: string[] = [];
  const log: Log = (_, message) => logged.push(message);
  const quiet = createNotifier({ clock: clockAt(), log, env: {}, program: '/nonexistent' });
  quiet.ready('x');
  quiet.frameProcessed();
  await quiet.stopping();
  t.same(logged, []);
  const broken = createNotifier({ clock: clockAt(), log, env: env(), program: '/nonexistent' });
  broken.ready('x');
  broken.status('y');
  await broken.stopping();
  t.match(logged, [/systemd is not told.*ENOENT/]);
  t.equal(logged.length, 1);
});

const tools = ['systemd-notify', 'python3'].every((tool) => spawnSync(tool, ['--version']).status === 0);
t.test('the real systemd-notify delivers', { skip: tools ? false : 'needs systemd-notify and python3' }, async (t) => {
  const address = join(shortFolder(t), 'notify');
  const receiver = spawn('python3', ['-u', '-c', receiverSource, address], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => receiver.kill());
  let text = '';
  receiver.stdout.on('data', (chunk: Buffer) => {
    text += chunk;
  });
  /** Waits for `wanted`, doing `again` meanwhile: a ping is left out while another program still runs. */
  const heard = async (wanted: RegExp, again = (): void => {}): Promise<void> => {
    while (!wanted.test(text)) {
      again();
      await sleep(20);
    }
  };
  await heard(/^up$/m);
  const notifier = createNotifier({
    clock: clockAt(),
    log: (_, message) => t.fail(message),
    env: { PATH: process.env['PATH'], NOTIFY_SOCKET: address, WATCHDOG_USEC: '60000000' },
  });
  notifier.ready('watching');
  await heard(/READY=1 STATUS=watching/);
  t.notMatch(text, /WATCHDOG/);
  await heard(/^WATCHDOG=1$/m, () => notifier.frameProcessed());
  await notifier.stopping();
  await heard(/^STOPPING=1$/m);
});

/** Prints each datagram on one line, closing the descriptor that systemd-notify's barrier waits for. */
const receiverSource = `
import array, os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print('up')
while True:
    data, extra, _, _ = s.recvmsg(4096, 1024)
    for _, _, raw in extra:
        for fd in array.array('i', raw[:4]): os.close(fd)
    if not data.startswith(b'BARRIER'): print(data.decode().replace('\\n', ' '))
`;
