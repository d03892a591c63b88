// What this machine is, in a word or two, and how much memory a process takes.
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { readBoard } from '../../control/board.js';

/** The board, or the processor of a PC, without the words that are the same for all of them. */
export function machineName(
  board: string | null = readBoard().model,
  cpu: string = cpus()[0]?.model ?? 'unknown',
): string {
  const name = (board ?? cpu)
    .replace(/\((R|TM)\)|\b(CPU|Processor|Raspberry)\b|@.*|\bRev .*|\b\d+-Core\b/gi, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  return name === '' ? 'unknown' : name;
}

/** Proportional memory of a process (PSS), MiB: what is shared counts by its share. null where the kernel does not tell. */
export function memoryOf(pid: number | 'self'): number | null {
  try {
    const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1');
    return Number(/^Pss:\s+(\d+) kB/m.exec(text)![1]) / 1024;
  } catch {
    return null;
  }
}

export interface SummaryFacts {
  readonly version: string;
  readonly machine: string;
  readonly delegate: 'xnnpack' | 'none';
  /** With 0, 1, 3 and 12 faces. */
  readonly framesPerSecond: readonly number[];
  /** For a frame with one face. */
  readonly frameMs: number;
  readonly engineMiB: number | null;
}

const mostNameLength = 22;

/** One line of at most 79 columns for an issue: version, machine, runtime, frames a second, milliseconds of a frame, memory of the engine. */
export function summary({ version, machine, delegate, framesPerSecond, frameMs, engineMiB }: SummaryFacts): string {
  const rates = framesPerSecond.map((rate) => (rate < 9.95 ? rate.toFixed(1) : rate.toFixed(0))).join('/');
  const runtime = delegate === 'xnnpack' ? 'tflite+xnnpack' : 'tflite';
  const memory = engineMiB === null ? '' : `, ${engineMiB.toFixed(0)} MB`;
  return `${version} ${machine.slice(0, mostNameLength).trim()}, ${runtime}, fps ${rates}, ${frameMs.toFixed(0)} ms${memory}`;
}
