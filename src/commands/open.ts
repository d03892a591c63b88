// roomkin open: a page for a phone, for an hour or until Ctrl-C: who is here, the people, the last faces, corrections. It asks the daemon
// what the other verbs ask, and changes what they change. Who may not rename or forget with the verbs may not do it here.
import { RoomkinError } from '../base/errors.js';
import type { DaemonStatus } from '../control/protocol.js';
import { checkName } from '../gallery/names.js';
import type { PageAnswer, PageRequest } from '../phone/listener.js';
import {
  type Overview,
  type OverviewPerson,
  overviewSections,
  overviewSectionsOf,
  overviewTitle,
} from '../phone/overview-page.js';
import { say } from '../phone/texts.js';
import type { ReportAnswer } from '../reports/reports.js';
import type { CommandIo } from './command.js';
import { forgetPerson } from './forget.js';
import { ask, openGallery, reportOf } from './parts.js';
import { openPage, pageEnd } from './phone-page.js';
import type { Given } from './verbs.js';

/** How often the page asks who is here, milliseconds. */
const againMs = 2000;
/** People, faces and plan are read again after this time, or after a change, milliseconds. */
const freshMs = 10_000;
/** Faces on the page. */
const lastFaces = 50;

export async function run({ for: period, address }: Given<'open'>, io: CommandIo): Promise<void> {
  io.room(); // the page is about one room
  // Who may not ask is told so before a code is shown.
  await reportOf(io, 'people', {});
  const untilMs = io.clock.monotonicMs() + period.ms;
  let slow: SlowPart | null = null;
  const calibrationOf = lastCalibration(io);
  let readMs = 0;
  /** Requests come one after the other, but one may wait for the daemon. */
  let turn: Promise<unknown> = Promise.resolve();

  /** What came of the last press of a button: shown until the next one. */
  let problem: string | null = null;
  let done: string | null = null;

  async function answer(request: PageRequest): Promise<PageAnswer> {
    if (request.action !== 'ask') {
      problem = null;
      done = null;
      try {
        done = await act(request, io);
        slow = null;
      } catch (error) {
        if (!(error instanceof RoomkinError)) throw error;
        problem = say(request.language, 'failed', { why: error.message });
      }
    }
    const status = await statusOf(io);
    if (slow === null || io.clock.monotonicMs() - readMs > freshMs) {
      slow = await readSlowly(io, status, calibrationOf);
      readMs = io.clock.monotonicMs();
    }
    const overview = { ...slow, ...presenceOf(status) };
    const sections = overviewSectionsOf(overview, problem, request.language);
    return { sections, say: problem ?? done ?? '', againMs };
  }

  await using listener = await openPage(
    io,
    {
      sections: overviewSections,
      title: overviewTitle,
      answer(request) {
        const next = turn.then(() => answer(request));
        turn = next.catch(() => {});
        return next;
      },
    },
    address,
    `The page ends with Ctrl-C, or after ${period.text}.`,
  );
  io.progress('waiting for the phone...');
  await pageEnd(io, listener, () => untilMs - io.clock.monotonicMs());
  io.progress('');
  io.out('The page is closed.');
  io.document({ closed: true });
}

/** What was pressed. Returns a sentence about it. Errors: those of the verbs. */
async function act({ action, given, language }: PageRequest, io: CommandIo): Promise<string | null> {
  const { person = '', name = '' } = given;
  const id = /^\d{1,12}$/.test(given['id'] ?? '') ? Number(given['id']) : 0;
  switch (action) {
    case 'disable':
    case 'enable':
      await reportOf(io, `people/${action}`, { ids: [id] });
      return say(language, 'changedPhoto', { id });
    case 'not':
    case 'is': {
      const { not, is } = await reportOf(io, 'correct', action === 'not' ? { id, not: name } : { id, is: name });
      return say(language, (not ?? is)?.correction == null ? 'knownAlready' : 'corrected');
    }
    case 'rename': {
      using store = openGallery(io);
      const record = store.find(person);
      store.change((changes) => changes.rename(record.id, checkName(name)));
      return say(language, 'renamed', { name: record.name });
    }
    case 'forget': {
      using store = openGallery(io);
      const record = store.find(person);
      await forgetPerson(store, record.id, io);
      return say(language, 'forgotten', { name: record.name });
    }
    default:
      return null;
  }
}

/** null where no daemon runs. */
async function statusOf(io: CommandIo): Promise<DaemonStatus | null> {
  try {
    return await ask<DaemonStatus>(io, { verb: 'status' }, io.room());
  } catch (error) {
    if (error instanceof RoomkinError) return null;
    throw error;
  }
}

function presenceOf(status: DaemonStatus | null): Pick<Overview, 'here' | 'unknown'> {
  const people = status?.presence.people ?? null;
  const unknown = status === null ? 'noDaemon' : status.recognition === 'off' ? 'switchedOff' : 'noPicture';
  if (status === null || people === null) return { here: null, unknown };
  return { here: { people, strangers: status.presence.strangers ?? 0 }, unknown };
}

type SlowPart = Omit<Overview, 'here' | 'unknown'>;
type People = ReportAnswer<'people'>['people'];
type CalibrationOf = (people: People, photos: unknown) => Promise<ReportAnswer<'calibrate'> | null>;

/** The calibration, which the daemon computes from all photos, is asked for again only when people or photos have changed. */
function lastCalibration(io: CommandIo): CalibrationOf {
  let last: { readonly of: string; readonly calibration: ReportAnswer<'calibrate'> } | null = null;
  return async (people, photos) => {
    if (people.length === 0) return null;
    const of = JSON.stringify([people, photos]);
    if (last?.of !== of) last = { of, calibration: await reportOf(io, 'calibrate', {}) };
    return last.calibration;
  };
}

async function readSlowly(io: CommandIo, status: DaemonStatus | null, calibrationOf: CalibrationOf): Promise<SlowPart> {
  const { people } = await reportOf(io, 'people', {});
  const records: ReportAnswer<'show'>['templates'][] = [];
  for (const { person } of people) records.push((await reportOf(io, 'show', { name: person })).templates);
  const calibration = await calibrationOf(people, records);
  const { faces, positions, width, height } = await reportOf(io, 'faces', { last: lastFaces });
  const shown = people.map(({ person, name }, i): OverviewPerson => {
    const calibrated = calibration?.people.find((entry) => entry.person === person) ?? null;
    return {
      person,
      name,
      missed: calibrated?.fnir.tracks ?? null,
      closest: calibrated?.closest ?? null,
      photos: records[i]!.map(({ id, since, quality, setAside }) => {
        return { id, since, eyesPx: quality.eyesPx, isDisabled: setAside !== null };
      }),
    };
  });
  return { people: shown, faces, plan: { width, height, positions, staticFaces: status?.fixedFaces ?? [] } };
}
