// Corrections from other programs: "the face in that picture is not Ada, it is Ben". Any client of the broker that may write the
// topic can send here. So a message can only name an observation whose picture this run has sent, by an opaque id that ends with the
// journal's entry. Each observation is corrected once, the answer has no similarity, and a flood is neither executed nor answered.
import { randomBytes, randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Clock, WallTime } from '../base/clock.js';
import { createInOrder } from '../base/in-order.js';
import { parseJson } from '../base/json.js';
import type { Log } from '../base/log.js';
import type { PicturedObservation } from './snapshot.js';

/** At least one of `not` and `is`: the id or name of a person. */
export interface CorrectionRequest {
  readonly observation: PicturedObservation;
  readonly not: string | null;
  readonly is: string | null;
}

export interface CorrectionAnswer {
  readonly type: 'done' | 'refused';
  /** One sentence without a similarity. */
  readonly text: string;
  /** The numbers that `roomkin correct --undo` takes. */
  readonly undo: readonly number[];
}

/** Stores the correction if its guards allow it. Never rejects. */
export type Corrector = (request: CorrectionRequest) => Promise<CorrectionAnswer>;

/** Most bytes of a message: an id, two names of 64 characters and the JSON around them. */
const maxBytes = 512;
/** The newest pictures that can be corrected. */
const mostOffered = 200;
/** So many messages are answered within a minute. Nobody taps faster. */
const mostPerMinute = 10;
const minuteMs = 60_000;

const idPattern = /^[A-Za-z0-9_-]{22}$/;
const personName = z.string().min(1).max(64);
const message = z
  .strictObject({ correction: z.string().regex(idPattern), not: personName.optional(), is: personName.optional() })
  .refine(({ not, is }) => not !== undefined || is !== undefined);

const wrongForm = 'the message must be {"correction":"ID","not":"PERSON","is":"PERSON"}, with not, is or both';

interface Offered {
  readonly observation: PicturedObservation;
  readonly atMs: number;
  /** What was said about it. */
  readonly said: Set<'not' | 'is'>;
}

export interface Corrections {
  /** A new id for the observation of a picture that is being sent. */
  offer(observation: PicturedObservation): string;
  /** A message for `correction/set`. */
  receive(payload: Buffer, isRetained: boolean): void;
}

export interface CorrectionsOptions {
  readonly clock: Clock;
  readonly wallTime: WallTime;
  /** How long an observation can be corrected, milliseconds. */
  readonly lifetimeMs: number;
  readonly correct: Corrector;
  /** Publishes the answer, JSON. */
  answer(body: string): void;
  readonly log: Log;
}

export function createCorrections(options: CorrectionsOptions): Corrections {
  const { clock, wallTime, lifetimeMs, correct, log } = options;
  const offered = new Map<string, Offered>();
  let answeredAtMs: readonly number[] = [];
  let warnedAtMs = Number.NEGATIVE_INFINITY;
  const inOrder = createInOrder();

  function isAllowed(): boolean {
    const nowMs = clock.monotonicMs();
    answeredAtMs = answeredAtMs.filter((atMs) => nowMs - atMs < minuteMs);
    if (answeredAtMs.length < mostPerMinute) {
      answeredAtMs = [...answeredAtMs, nowMs];
      return true;
    }
    if (nowMs - warnedAtMs >= minuteMs) {
      warnedAtMs = nowMs;
      log('warning', `more than ${mostPerMinute} corrections came over MQTT within a minute: the others are ignored`);
    }
    return false;
  }

  async function work(payload: Buffer, isRetained: boolean): Promise<void> {
    const parsed = payload.length > maxBytes ? null : parseJson(payload.toString('utf8'), message);
    const answer = isRetained
      ? refused('the message was retained, so it may be old: send it without the retain flag')
      : payload.length > maxBytes
        ? refused(`the message has ${payload.length} bytes, at most ${maxBytes} are allowed`)
        : parsed === null
          ? refused(wrongForm)
          : await apply(parsed);
    const id = parsed?.correction ?? null;
    log('notice', `a correction over MQTT was ${answer.type === 'done' ? 'stored' : 'refused'}: ${answer.text}`);
    const { type, text, undo } = answer;
    const at = wallTime(clock.monotonicMs());
    options.answer(JSON.stringify({ event_type: type, correction: id, text, undo, at, id: randomUUID() }));
  }

  async function apply(given: z.output<typeof message>): Promise<CorrectionAnswer> {
    const found = offered.get(given.correction);
    if (found === undefined)
      return refused('this room has sent no picture with this id since its start: roomkin why lists what it saw');
    if (clock.monotonicMs() - found.atMs > lifetimeMs)
      return refused(`the picture is older than ${lifetimeMs / 3_600_000} hours, so it can no longer be corrected`);
    const { observation, said } = found;
    const { not = null, is = null } = given;
    if ((not !== null && said.has('not')) || (is !== null && said.has('is')))
      return refused('this picture was corrected already: roomkin correct --list shows how');
    const answer = await correct({ observation, not, is });
    if (answer.type === 'done') {
      if (not !== null) said.add('not');
      if (is !== null) said.add('is');
    }
    return answer;
  }

  return {
    offer(observation) {
      const id = randomBytes(16).toString('base64url');
      offered.set(id, { observation, atMs: clock.monotonicMs(), said: new Set() });
      for (const oldest of offered.keys()) {
        if (offered.size <= mostOffered) break;
        offered.delete(oldest);
      }
      return id;
    },
    receive(payload, isRetained) {
      if (!isAllowed()) return;
      // In order, so that a repeated message finds what the first one did.
      void inOrder(() => work(payload, isRetained));
    },
  };
}

/** An answer that refuses. */
export function refused(text: string): CorrectionAnswer {
  return { type: 'refused', text, undo: [] };
}
