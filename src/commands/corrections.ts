// roomkin correct --list and --undo: what was said about looks, and taking it back.
import type { Correction, PersonRecord } from '../store/store.js';
import type { CommandIo } from './command.js';
import { openGallery } from './parts.js';
import { wrap } from './rows.js';

export function listCorrections(io: CommandIo): void {
  using store = openGallery(io);
  const people = store.people();
  const corrections = store.corrections();
  const width = Math.max(0, ...corrections.map(({ id }) => String(id).length));
  for (const one of corrections) {
    // Swedish writes local time as ISO does: 2026-11-23 19:04.
    const minute = new Date(one.createdAtMs).toLocaleString('sv-SE').slice(0, 16);
    const text = `${minute}  ${sentence(one, people)}`;
    wrap(text, Math.min(io.columns, 80) - width - 4).forEach((line, i) => {
      io.out(`  ${(i === 0 ? String(one.id) : '').padStart(width)}  ${line}`);
    });
  }
  io.out(
    corrections.length === 0
      ? 'Nothing was corrected: roomkin why lists the looks that can be'
      : 'roomkin correct --undo N takes one of them back',
  );
  io.document({ corrections: corrections.map((one) => described(one, people)) });
}

/** Errors: CORRECTION_UNKNOWN. */
export function undoCorrection(id: number, io: CommandIo): void {
  using store = openGallery(io);
  const undone = store.change((changes) => changes.undo(id));
  const people = store.people();
  for (const line of wrap(`Taken back: ${sentence(undone, people)}`, Math.min(io.columns, 80))) io.out(line);
  io.document({ undone: described(undone, people) });
}

function sentence({ person, template }: Correction, people: readonly PersonRecord[]): string {
  const { name } = people.find(({ id }) => id === person)!;
  return template === null ? `a face that is not ${name}` : `a look that is ${name}, kept as photo ${template}`;
}

function described({ id, person, template, createdAtMs }: Correction, people: readonly PersonRecord[]) {
  const { name } = people.find((one) => one.id === person)!;
  const said = template === null ? ('not' as const) : ('is' as const);
  return { id, person, name, said, template, since: new Date(createdAtMs).toISOString() };
}
