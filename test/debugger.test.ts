// Node opens a debugger when it gets SIGUSR1: whoever connects runs code in the process. The daemon, the verbs and the engine's child
// ignore the signal.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { packageRoot } from '../src/base/files.js';
import { createEngine } from '../src/engine/supervisor.js';
import { madePicture } from './vision/made-picture.js';

/** Starts Node with `args`, which prints a line and waits. What it says on stderr after SIGUSR1. */
async function afterSignal(args: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, ['--inspect-port=0', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  child.stderr.on('data', (chunk: Buffer) => {
    text += chunk;
  });
  await once(child.stdout, 'data');
  child.kill('SIGUSR1');
  await delay(500);
  t.equal(child.exitCode ?? child.signalCode, null, 'it goes on');
  child.kill('SIGKILL');
  await once(child, 'close');
  return text;
}

const waiting = "process.stdout.write('ready\\n'); setInterval(() => {}, 1000);";

t.test('bin/roomkin ignores the signal; a plain program does not', async (t) => {
  t.match(await afterSignal(['-e', waiting]), /Debugger listening/);
  const folder = mkdtempSync(join(tmpdir(), 'roomkin-debugger-'));
  for (const name of ['bin', 'dist']) mkdirSync(join(folder, name));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(folder, 'dist', 'cli.js'), `export const main = () => { ${waiting} };`);
  copyFileSync(join(packageRoot, 'bin', 'roomkin'), join(folder, 'bin', 'roomkin'));
  t.equal(await afterSignal([join(folder, 'bin', 'roomkin')]), '');
});

t.test("the engine's child ignores the signal", async (t) => {
  for (const guard of [undefined, '/no/guard']) {
    const lines: string[] = [];
    await using engine = createEngine({
      threads: 1,
      log: (_, message) => void lines.push(message),
      ...(guard === undefined ? {} : { guard }),
    });
    await engine.start();
    const [pid] = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim().split(' ');
    process.kill(Number(pid), 'SIGUSR1');
    await delay(500);
    const picture = { ...madePicture('noise', 64, 48), capturedAt: 0, sequence: 0 };
    t.match(await engine.analyze(picture, { search: 'whole' }), { faces: [] });
    t.notOk(
      lines.some((line) => /debugger|inspector/i.test(line)),
      lines.join('\n'),
    );
  }
});
