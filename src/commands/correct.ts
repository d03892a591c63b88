// roomkin correct: an observation that `why` lists is not the person it was named after, or is somebody. The daemon stores the
// correction in the gallery. Every correction can be reverted.
import type { ReportAnswer } from '../reports/reports.js';
import type { CommandIo } from './command.js';
import { reportOf } from './daemon.js';
import { count, wrap } from './rows.js';
import { type Given, misused } from './verbs.js';

type Corrected = ReportAnswer<'correct'>;

export async function run({ id, not, is, list, undo }: Given<'correct'>, io: CommandIo): Promise<void> {
  const isCorrection = id !== undefined || not !== undefined || is !== undefined;
  if ([isCorrection, list, undo !== undefined].filter(Boolean).length > 1)
    throw misused('correct', 'a correction, --list and --undo cannot be combined');
  if (list) return listCorrections(io);
  if (undo !== undefined) return undoCorrection(undo, io);
  if (id === undefined) throw misused('correct', 'the ID of one observation is needed');
  if (not === undefined && is === undefined) throw misused('correct', 'add --not NAME, --is NAME or both');
  print(
    await reportOf(io, 'correct', { id, ...(not === undefined ? {} : { not }), ...(is === undefined ? {} : { is }) }),
    io,
  );
}

function print(report: Corrected, io: CommandIo): void {
  const { look: id, not, is } = report;
  if (not !== null)
    printOutcome(io, not, `Observation ${id} is not ${not.name}`, `faces like it no longer get the name ${not.name}`);
  if (is !== null) printOutcome(io, is, `Observation ${id} is ${is.name}`, photosOf(is));
  io.document(report);
}

function printOutcome(
  io: CommandIo,
  { correction }: { readonly correction: number | null },
  fact: string,
  effect: string,
): void {
  const text = `${fact}: ${correction === null ? 'this was known already, nothing changed' : effect}`;
  for (const line of wrap(text, io.textColumns)) io.out(line);
  if (correction !== null) io.out(`  roomkin correct --undo ${correction} reverts this`);
}

function photosOf({ name, photos: { inUse, corrected } }: NonNullable<Corrected['is']>): string {
  return `${name} now has ${count(inUse, 'photo')} in use, ${corrected} of them from the camera`;
}

// roomkin correct --list and --undo: the corrections that were made, and how to revert them.

async function listCorrections(io: CommandIo): Promise<void> {
  const report = await reportOf(io, 'corrections', {});
  const { corrections } = report;
  const width = Math.max(0, ...corrections.map(({ id }) => String(id).length));
  for (const correction of corrections) {
    // The Swedish locale writes local time like ISO 8601: 2026-11-23 19:04.
    const minute = new Date(correction.since).toLocaleString('sv-SE').slice(0, 16);
    const text = `${minute}  ${sentence(correction)}`;
    wrap(text, io.textColumns - width - 4).forEach((line, i) => {
      io.out(`  ${(i === 0 ? String(correction.id) : '').padStart(width)}  ${line}`);
    });
  }
  io.out(
    corrections.length === 0
      ? 'There is no correction: roomkin why lists the observations that can be corrected'
      : 'roomkin correct --undo N reverts one of them',
  );
  io.document(report);
}

/** Errors: CORRECTION_UNKNOWN. */
async function undoCorrection(id: number, io: CommandIo): Promise<void> {
  const report = await reportOf(io, 'corrections/undo', { id });
  for (const line of wrap(`Reverted: ${sentence(report.undone)}`, io.textColumns)) io.out(line);
  io.document(report);
}

function sentence({ name, template }: ReportAnswer<'corrections'>['corrections'][number]): string {
  return template === null
    ? `an observation that is not ${name}`
    : `an observation that is ${name}, added as photo ${template}`;
}
