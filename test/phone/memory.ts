// Measures how much more memory the daemon takes while the page of `roomkin open` is open: anonymous PSS of the daemon and its children, with
// drawn people before the camera, a journal of a day and a phone that asks as the page's script does. Prints also what the daemon grows
// by in the same time without a page, and the memory of `roomkin open` itself. The daemon has the limits that its unit of systemd sets.
//
//   npx tsc -p tsconfig.test.json && node .test-build/test/phone/memory.js [SECONDS] [ENTRIES] [pictures]
//
// SECONDS (default: 120) is how long the daemon works before, without, and with the page. ENTRIES (default: 5000) are in the journal.
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { packageRoot } from '../../src/base/files.js';
import { openJournalStore } from '../../src/journal/store.js';
import { seal, open as unseal } from '../../src/phone/seal.js';
import { collect, runCli, spawnCli } from '../helpers/cli-process.js';
import { madeUpEntry } from '../journal/made-up-observations.js';
import { drawFrames, drawPhotos } from './drawn-photos.js';

export interface MemoryPlan {
  /** How long each of the three parts lasts, milliseconds. */
  readonly windowMs: number;
  /** Entries in the journal at the start. */
  readonly entries: number;
  readonly pictures: boolean;
  readonly progress?: (text: string) => void;
}

/** MiB of PSS. */
export interface MemoryResult {
  /** The daemon and its children after the first part, and after the second one without a page. */
  readonly before: number;
  readonly withoutPage: number;
  /** The largest and the last value while the page is open, without the first quarter. */
  readonly mostWithPage: number;
  readonly withPage: number;
  readonly daemonAlone: readonly [before: number, withoutPage: number, withPage: number, mostWithPage: number];
  /** The process of `roomkin open`. */
  readonly command: number;
}

const spaceOfModel = 'mobilefacenet-192';
const sampleMs = 1000;

/** Proportional set size of a process without files and shared libraries, MiB; 0 where it has ended. */
function pssOf(pid: number): number {
  try {
    return Number(/^Pss_Anon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))![1]) / 1024;
  } catch {
    return 0;
  }
}

function childrenOf(pid: number): number[] {
  const tasks = readdirSync(`/proc/${pid}/task`);
  const own = tasks.flatMap((task) => {
    const text = readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').trim();
    return text === '' ? [] : text.split(' ').map(Number);
  });
  return own.flatMap((child) => [child, ...childrenOf(child)]);
}

/** The limits of V8 and malloc that the unit of systemd sets. */
async function unitLimits(): Promise<NodeJS.ProcessEnv> {
  const script = pathToFileURL(join(packageRoot, 'scripts', 'unit-variables.js')).href;
  const { unitVariables } = (await import(script)) as { unitVariables(root: string): NodeJS.ProcessEnv };
  return unitVariables(packageRoot);
}

const familyOf = (pid: number): number => [pid, ...childrenOf(pid)].reduce((sum, each) => sum + pssOf(each), 0);

/** Asks as page/page.js does, until it is stopped. */
async function phone(address: string, signal: AbortSignal): Promise<void> {
  const { origin, hash } = new URL(address);
  const secret = Buffer.from(hash.slice(1), 'base64url');
  const known: Record<string, string> = {};
  const fetched: Record<string, number> = {};
  const ask = async (action: string, given: Record<string, string>) => {
    const head = { phone: 'a'.repeat(22), action, given, language: 'en', known, photo: false };
    const sealed = seal(secret, 'request', Buffer.from(JSON.stringify(head)));
    const headers = { 'roomkin-request': Buffer.from(sealed).toString('base64url') };
    const response = await fetch(`${origin}/`, { method: 'POST', headers, signal });
    const nonce = Buffer.from(sealed.subarray(0, 24)).toString('base64url');
    return JSON.parse(
      Buffer.from(unseal(secret, `answer ${nonce}`, new Uint8Array(await response.arrayBuffer()))!).toString(),
    );
  };
  while (!signal.aborted) {
    const answer = await ask('ask', {});
    for (const { id, version } of answer.sections) known[id] = version;
    const pictures: Record<string, number> = answer.pictures ?? {};
    const missing = Object.keys(pictures).filter((track) => fetched[track] !== pictures[track]);
    if (missing.length > 0) await ask('pictures', { tracks: missing.slice(0, 20).join(',') });
    Object.assign(fetched, pictures);
    await wait(answer.againMs, undefined, { signal });
  }
}

async function printed(child: ChildProcess, what: RegExp): Promise<string> {
  const { written } = collect(child);
  for (;;) {
    const found = what.exec(written.stdout + written.stderr)?.[0];
    if (found !== undefined) return found;
    if (child.exitCode !== null) throw new Error(`never printed ${what}: ${written.stdout}${written.stderr}`);
    await wait(100);
  }
}

export async function measureMemory({ windowMs, entries, pictures, progress }: MemoryPlan): Promise<MemoryResult> {
  const folder = mkdtempSync(join(tmpdir(), 'roomkin-memory-'));
  const at = (...names: string[]): string => join(folder, ...names);
  const children: ChildProcess[] = [];
  try {
    mkdirSync(at('frames'));
    await drawFrames(at('frames'));
    const config = at('config.toml');
    writeFileSync(
      config,
      `[room]\nid = "lab"\n[camera]\nsource = "replay"\ninput = "${at('frames')}"\nloop = true\nwidth = 1280\nheight = 960\nframerate = 5\n[mqtt]\nurl = "mqtt://127.0.0.1:1"\n[store]\ndirectory = "${at('store')}"\n[privacy]\npage_pictures = ${pictures}\n`,
    );
    for (const person of ['ada', 'grace'] as const) {
      const photos = await drawPhotos(at(person), person, 3);
      const { code, stderr } = await runCli(['enrol', person, '--photos', ...photos, '--config', config]);
      if (code !== 0) throw new Error(stderr);
    }
    {
      using journal = openJournalStore({ directory: at('store'), keyFile: at('store', 'key') });
      const nowMs = Date.now();
      const stepMs = 80_000_000 / entries;
      journal.append(
        Array.from({ length: entries }, (_, i) =>
          madeUpEntry({ space: spaceOfModel, wallMs: nowMs - 82_000_000 + i * stepMs, track: i >> 3, run: 'earlier' }),
        ),
      );
    }
    const daemon = spawnCli(['run', '--config', config], await unitLimits());
    children.push(daemon);
    await printed(daemon, /arrived/i);
    const pid = daemon.pid!;
    progress?.('the daemon works');
    await wait(windowMs);
    const [before, aloneBefore] = [familyOf(pid), pssOf(pid)];
    progress?.(`${before.toFixed(1)} MiB`);
    await wait(windowMs);
    const [withoutPage, aloneWithout] = [familyOf(pid), pssOf(pid)];
    progress?.(`${withoutPage.toFixed(1)} MiB without a page`);
    const command = spawnCli(['open', '--address', '127.0.0.1', '--config', config]);
    children.push(command);
    const address = await printed(command, /http:\S+#[\w-]{43}/);
    const end = new AbortController();
    const asking = phone(address, end.signal).catch((error: unknown) => {
      if (!end.signal.aborted) throw error;
    });
    const samples: number[] = [];
    let mostAlone = 0;
    for (let passedMs = 0; passedMs < windowMs; passedMs += sampleMs) {
      await wait(sampleMs);
      samples.push(familyOf(pid));
      mostAlone = Math.max(mostAlone, pssOf(pid));
    }
    end.abort();
    await asking;
    const later = samples.slice(samples.length >> 2);
    return {
      before,
      withoutPage,
      mostWithPage: Math.max(...later),
      withPage: later.at(-1)!,
      daemonAlone: [aloneBefore, aloneWithout, pssOf(pid), mostAlone],
      command: pssOf(command.pid!),
    };
  } finally {
    for (const child of children) {
      if (child.exitCode !== null) continue;
      child.kill('SIGKILL');
      await once(child, 'close');
    }
    rmSync(folder, { recursive: true, force: true });
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [seconds = '120', entries = '5000', pictures] = process.argv.slice(2);
  const result = await measureMemory({
    windowMs: Number(seconds) * 1000,
    entries: Number(entries),
    pictures: pictures === 'pictures',
    progress: (text) => process.stderr.write(`${text}\n`),
  });
  const mib = (value: number): string => `${value.toFixed(1)} MiB`;
  process.stdout.write(
    `daemon with its children: ${mib(result.before)}, after as long without a page ${mib(result.withoutPage)}; with the page ` +
      `${mib(result.withPage)}, at most ${mib(result.mostWithPage)}: ${mib(result.mostWithPage - result.withoutPage)} more\n` +
      `the process of the daemon alone (before, without a page, with it, most with it): ${result.daemonAlone.map(mib).join(', ')}; the command ${mib(result.command)}\n`,
  );
}
