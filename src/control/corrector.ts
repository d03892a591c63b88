// What a correction over MQTT does: the same as `roomkin correct`, with the same guards. The answer says what happened in one sentence
// without a similarity, because it leaves this machine.
import { RoomkinError, sentenceOf } from '../base/errors.js';
import type { Log } from '../base/log.js';
import type { Journal } from '../journal/journal.js';
import { type CorrectionAnswer, type Corrector, refused } from '../mqtt/corrections.js';
import { RefusedCorrectionError } from '../reports/corrections.js';
import type { Sources } from '../reports/report.js';
import { makeReport, type ReportAnswer } from '../reports/reports.js';

/** Stores corrections of observations in `journal`. */
export function createCorrector(sources: Sources, journal: Pick<Journal, 'idOf'>, log: Log): Corrector {
  return async ({ observation, not, is }) => {
    try {
      const id = journal.idOf(observation.track, observation.atMs);
      if (id === null) return refused('the journal no longer has what the picture shows');
      const given = { id, ...(not === null ? {} : { not }), ...(is === null ? {} : { is }) };
      const work = { signal: new AbortController().signal, progress() {} };
      return done(await makeReport('correct', given, sources, work));
    } catch (error) {
      return refused(reasonOf(error, log));
    }
  };
}

function done({ not, is }: ReportAnswer<'correct'>): CorrectionAnswer {
  const sentences = [
    not === null
      ? null
      : not.correction === null
        ? `It was known already that this is not ${not.name}`
        : `This is not ${not.name}: faces like it no longer get the name ${not.name}`,
    is === null
      ? null
      : is.correction === null
        ? `It was known already that this is ${is.name}`
        : `This is ${is.name}: the face was added to the photos of ${is.name}`,
  ];
  const undo = [not, is].flatMap((outcome) => outcome?.correction ?? []);
  return { type: 'done', text: sentences.filter((sentence) => sentence !== null).join('. '), undo };
}

function reasonOf(error: unknown, log: Log): string {
  if (error instanceof RefusedCorrectionError) return error.withoutFigures;
  const isAboutMessage =
    error instanceof RoomkinError && ['PERSON_UNKNOWN', 'LOOK_UNKNOWN', 'USAGE'].includes(error.code);
  if (isAboutMessage) return sentenceOf(error);
  log('error', `a correction over MQTT failed: ${sentenceOf(error)}`);
  return 'it could not be stored: the log of the room says why';
}
