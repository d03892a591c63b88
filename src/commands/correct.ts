// roomkin correct: a look that `why` listed was not who it was taken for, or was somebody. Kept in the gallery, which the daemon
// follows; every correction can be taken back.
import { fail } from '../base/errors.js';
import { createCalibrator } from '../calibrator.js';
import { recognitionOptions } from '../recognition-options.js';
import type { KeptLook } from '../store/look-store.js';
import type { PersonRecord } from '../store/store.js';
import { misused, parseArguments } from './arguments.js';
import type { Command, CommandIo } from './command.js';
import { learn, type Outcome, reject } from './correct-steps.js';
import { listCorrections, undoCorrection } from './corrections.js';
import { openKeptLooks } from './kept-looks.js';
import { configuredSpace, openGallery } from './parts.js';
import { wrap } from './rows.js';

export const command: Command = {
  usage: 'correct ID [--not NAME] [--is NAME] | --list | --undo N',
  summary: 'Say who a face that `why` lists was not, or was.',
  async run(argv, io) {
    const { values, positionals } = parseArguments(argv, command.usage, {
      not: { type: 'string' },
      is: { type: 'string' },
      list: { type: 'boolean', default: false },
      undo: { type: 'string' },
    });
    const { not, is, list, undo } = values;
    const said = not !== undefined || is !== undefined;
    if (Number(said || positionals.length > 0) + Number(list) + Number(undo !== undefined) > 1)
      throw misused(command.usage, 'one thing at a time');
    if (list) return listCorrections(io);
    if (undo !== undefined) return undoCorrection(wholeNumber(undo, '--undo N'), io);
    if (positionals.length !== 1) throw misused(command.usage, 'the ID of one look is needed');
    if (!said) throw misused(command.usage, 'say --not NAME, --is NAME or both');
    correct(wholeNumber(positionals[0]!, 'ID'), not, is, io);
  },
};

function wholeNumber(word: string, what: string): number {
  if (!/^\d{1,12}$/.test(word)) throw misused(command.usage, `${what} is a number`);
  return Number(word);
}

function correct(id: number, not: string | undefined, is: string | undefined, io: CommandIo): void {
  const config = io.config();
  const space = configuredSpace(io);
  const { look: thresholds } = recognitionOptions(config);
  const { calibrated } = createCalibrator(config, space, recognitionOptions(config));
  using store = openGallery(io);
  const notWho = not === undefined ? null : store.find(not);
  const who = is === undefined ? null : store.find(is);
  if (notWho !== null && notWho.id === who?.id)
    throw misused(command.usage, `${notWho.name} cannot be both --not and --is`);
  const look = findLook(id, io);
  if (look.space !== space)
    throw fail('CORRECTION_REFUSED', `look ${id} is of another model (${look.space}): choose one of today's`);

  const outcomes = store.change((changes): { readonly not: Outcome | null; readonly is: Outcome | null } => ({
    // First who it is not: that person then does not compete for it.
    not: notWho && reject(changes, look, notWho, changes.gallery(space)),
    is: who && learn(changes, look, who, calibrated(changes.gallery(space)), thresholds),
  }));
  if (notWho !== null)
    say(io, outcomes.not, `Look ${id} is not ${notWho.name}`, `faces like it no longer get the name`);
  if (who !== null) say(io, outcomes.is, `Look ${id} is ${who.name}`, countOf(store.find(who.id)));
  io.document({ look: id, not: told(notWho, outcomes.not), is: told(who, outcomes.is) });
}

/** Errors: LOOK_UNKNOWN, DATABASE. */
function findLook(id: number, io: CommandIo): KeptLook {
  if (io.config().privacy.looksKeptMs === 0)
    throw fail('LOOK_UNKNOWN', 'no look is kept that could be corrected: set privacy.looks_kept_hours, 24 for a day');
  using looks = openKeptLooks(io);
  const look = looks?.find(id) ?? null;
  if (look === null)
    throw fail('LOOK_UNKNOWN', `there is no look ${id}: they are kept for a day, roomkin why lists them`);
  return look;
}

function say(io: CommandIo, outcome: Outcome | null, fact: string, effect: string): void {
  const number = outcome?.correction ?? null;
  const text = `${fact}: ${number === null ? 'known already, nothing to learn' : effect}`;
  for (const line of wrap(text, Math.min(io.columns, 80))) io.out(line);
  if (number !== null) io.out(`  roomkin correct --undo ${number} takes it back`);
}

function countOf({ name, templates }: PersonRecord): string {
  const inUse = templates.filter(({ setAsideAtMs }) => setAsideAtMs === null);
  const learned = inUse.filter(({ correction }) => correction !== null).length;
  return `${name} has ${inUse.length} looks now, ${learned} of them from the camera`;
}

function told(person: PersonRecord | null, outcome: Outcome | null) {
  return person && outcome && { person: person.id, name: person.name, ...outcome };
}
