// roomkin open: a page for a phone, for an hour or until Ctrl-C: who is here, the people, the last faces, corrections. It asks the daemon
// what the other verbs ask, and changes what they change. Who may not rename or forget with the verbs may not do it here.
import { RoomkinError } from '../base/errors.js';
import { createInOrder } from '../base/in-order.js';
import type { DaemonStatus } from '../control/protocol.js';
import { checkName } from '../gallery/names.js';
import type { PageAnswer, PageRequest } from '../phone/listener.js';
import {
  type Outcome,
  type Overview,
  type OverviewPerson,
  overviewSections,
  overviewSectionsOf,
  overviewTitle,
} from '../phone/overview-page.js';
import { say } from '../phone/texts.js';
import type { ReportAnswer } from '../reports/reports.js';
import type { CommandIo } from './command.js';
import { ask, reportOf } from './daemon.js';
import { forgetPerson } from './forget.js';
import { createLastFaces } from './open-faces.js';
import { followPictures, noPictures } from './open-pictures.js';
import { openGallery } from './parts.js';
import { openPage, pageEnd } from './phone-page.js';
import type { Given } from './verbs.js';

/** How often the page asks who is here, milliseconds. */
const againMs = 2000;
/** People, faces and plan are read again after this time, or after a change, milliseconds. */
const freshMs = 10_000;
/** So long after a change they are read with each question, milliseconds: its effect shows in the next frames. */
const changedMs = 8000;
/** Faces on the page. */
const mostFaces = 50;

export async function run({ for: period, address }: Given<'open'>, io: CommandIo): Promise<void> {
  io.room(); // the page is about one room
  // A user without access is told so before a code is shown.
  await reportOf(io, 'people', {});
  const untilMs = io.clock.monotonicMs() + period.ms;
  let slow: SlowPart | null = null;
  const kept = {
    calibrationOf: lastCalibration(io),
    lastFaces: createLastFaces(mostFaces, (given) => reportOf(io, 'faces', given)),
  };
  const hasPictures = io.config().privacy.pagePictures;
  using pictures = hasPictures ? followPictures(io) : noPictures;
  let readMs = 0;
  let gallery = '';
  let changedAtMs = Number.NEGATIVE_INFINITY;
  /** Requests come one after the other, but one may wait for the daemon. */
  const inOrder = createInOrder();

  /** The result of the last button, shown until the next one. */
  let outcome: Outcome | null = null;

  async function answer(request: PageRequest): Promise<PageAnswer> {
    if (request.action === 'pictures') {
      const jpegs = await pictures.jpegs((request.given['tracks'] ?? '').split(','));
      return { sections: {}, say: null, againMs, pictures: pictures.list, jpegs };
    }
    if (request.action !== 'ask') {
      try {
        outcome = await act(request, io);
        slow = null;
        changedAtMs = io.clock.monotonicMs();
      } catch (error) {
        if (!(error instanceof RoomkinError)) throw error;
        const text = say(request.language, 'failed', { why: error.message });
        outcome = { text, isProblem: true, corrections: [] };
      }
    }
    const status = await statusOf(io);
    // Another command may have forgotten somebody.
    if (gallery !== JSON.stringify(status?.gallery)) slow = null;
    gallery = JSON.stringify(status?.gallery);
    const nowMs = io.clock.monotonicMs();
    if (slow === null || nowMs - readMs > freshMs || nowMs - changedAtMs < changedMs) {
      slow = await readSlowly(io, status, kept);
      readMs = io.clock.monotonicMs();
    }
    const overview = { ...slow, ...presenceOf(status), hasPictures };
    const sections = overviewSectionsOf(overview, outcome, request.language);
    return { sections, say: outcome?.text ?? '', againMs, pictures: pictures.list };
  }

  await using listener = await openPage(
    io,
    {
      sections: overviewSections,
      title: overviewTitle,
      answer: (request) => inOrder(() => answer(request)),
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

/** Does what the button of `action` says. Errors: those of the verbs. */
async function act({ action, given, language }: PageRequest, io: CommandIo): Promise<Outcome | null> {
  const done = (text: string, corrections: readonly number[] = []): Outcome => ({
    text,
    isProblem: false,
    corrections,
  });
  const { person = '', name = '' } = given;
  const id = /^\d{1,12}$/.test(given['id'] ?? '') ? Number(given['id']) : 0;
  switch (action) {
    case 'disable':
    case 'enable':
      await reportOf(io, `people/${action}`, { ids: [id] });
      return done(say(language, 'changedPhoto', { id }));
    case 'not':
    case 'is': {
      const { not, is } = await reportOf(io, 'correct', action === 'not' ? { id, not: name } : { id, is: name });
      const correction = (not ?? is)?.correction ?? null;
      if (correction === null) return done(say(language, 'knownAlready'));
      return done(say(language, 'corrected'), [correction]);
    }
    case 'undo':
      await reportOf(io, 'corrections/undo', { id });
      return done(say(language, 'undone'));
    case 'rename': {
      using store = openGallery(io);
      const record = store.find(person);
      store.change((changes) => changes.rename(record.id, checkName(name)));
      return done(say(language, 'renamed', { name: record.name }));
    }
    case 'forget': {
      using store = openGallery(io);
      const record = store.find(person);
      await forgetPerson(store, record.id, io);
      return done(say(language, 'forgotten', { name: record.name }));
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

type SlowPart = Omit<Overview, 'here' | 'unknown' | 'hasPictures'>;
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

async function readSlowly(
  io: CommandIo,
  status: DaemonStatus | null,
  {
    calibrationOf,
    lastFaces,
  }: { readonly calibrationOf: CalibrationOf; readonly lastFaces: ReturnType<typeof createLastFaces> },
): Promise<SlowPart> {
  const { people } = await reportOf(io, 'people', {});
  const records: ReportAnswer<'show'>['templates'][] = [];
  for (const { person } of people) records.push((await reportOf(io, 'show', { name: person })).templates);
  const calibration = await calibrationOf(people, records);
  const { corrections } = await reportOf(io, 'corrections', {});
  const { faces, positions, width, height } = await lastFaces([people, records]);
  const shown = people.map(({ person, name }, i): OverviewPerson => {
    const calibrated = calibration?.people.find((entry) => entry.person === person) ?? null;
    return {
      person,
      name,
      missed: calibrated?.fnir.tracks ?? null,
      closest: calibrated?.closest ?? null,
      corrections: corrections.filter((correction) => correction.person === person),
      photos: records[i]!.map(({ id, since, quality, setAside }) => {
        return { id, since, eyesPx: quality.eyesPx, isDisabled: setAside !== null };
      }),
    };
  });
  return { people: shown, faces, plan: { width, height, positions, staticFaces: status?.fixedFaces ?? [] } };
}
