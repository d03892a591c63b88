// What is out of order in a running daemon, part by part. Nothing that breaks after the start ends the daemon: the error becomes
// the problem of its part, is logged once, is shown by `status`, `check` and the health message, and goes away when the part works.
import type { Clock } from './clock.js';
import { oneLine, sentenceOf } from './errors.js';
import type { Log } from './log.js';

/** Names of the parts, as users see them. */
export const parts = [
  'camera',
  'recognition',
  'speed',
  'gallery',
  'snapshots',
  'journal',
  'settings',
  'privacy switch',
  'shared gallery',
  'broker',
  'control socket',
  'room',
] as const;

export type Part = (typeof parts)[number];

export interface Problem {
  readonly part: Part;
  /** One sentence: what does not work, why, and what to do. */
  readonly sentence: string;
  /** Monotonic, milliseconds; null where it is not known. */
  readonly sinceMs: number | null;
}

export interface Problems {
  /** The part has this problem. Logged when it is new or its sentence differs. */
  report(part: Part, sentence: string): void;
  /** The part works. */
  solve(part: Part): void;
  /** Runs `work`. An error becomes the problem of `part`, and the result is undefined; success solves it. */
  attempt<T>(part: Part, work: () => T): T | undefined;
  /** The same for a promise. The returned promise never rejects. */
  attemptAsync<T>(part: Part, work: () => Promise<T>): Promise<T | undefined>;
  /** The present problems, oldest first. */
  readonly list: readonly Problem[];
}

/** The part whose error repeats is logged again after this time, milliseconds, if it kept changing in between. */
const repeatLogMs = 600_000;

export function createProblems(clock: Clock, log: Log): Problems {
  const current = new Map<Part, Problem>();
  const loggedAtMs = new Map<string, number>();

  function report(part: Part, text: string): void {
    const sentence = oneLine(text, 400);
    const present = current.get(part);
    if (present?.sentence === sentence) return;
    const nowMs = clock.monotonicMs();
    current.set(part, { part, sentence, sinceMs: present?.sinceMs ?? nowMs });
    // A part that fails and works in turn must not fill the log.
    const line = `${part}: ${sentence}`;
    const isRepeated = nowMs - (loggedAtMs.get(line) ?? Number.NEGATIVE_INFINITY) < repeatLogMs;
    loggedAtMs.set(line, nowMs);
    log(isRepeated ? 'debug' : 'warning', line);
    if (loggedAtMs.size > 100) loggedAtMs.delete(loggedAtMs.keys().next().value!);
  }

  function solve(part: Part): void {
    if (!current.delete(part)) return;
    log('notice', `${part}: works again`);
  }

  return {
    report,
    solve,
    attempt(part, work) {
      try {
        const result = work();
        solve(part);
        return result;
      } catch (error) {
        report(part, sentenceOf(error));
        return undefined;
      }
    },
    async attemptAsync(part, work) {
      try {
        const result = await work();
        solve(part);
        return result;
      } catch (error) {
        report(part, sentenceOf(error));
        return undefined;
      }
    },
    get list() {
      return [...current.values()];
    },
  };
}
