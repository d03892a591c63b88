// The result of a check. A check never throws: a fault is a finding with advice.
import { type ErrorCode, RoomkinError, sentenceOf } from '../../base/errors.js';

export interface Finding {
  readonly check: string;
  /** `warn`: roomkin works all the same; `fail`: it does not, or not as configured. */
  readonly state: 'ok' | 'warn' | 'fail';
  readonly found: string;
  /** What to do; null where nothing needs to be done. */
  readonly advice: string | null;
  /** The error that the daemon would end with; null where it would not end. */
  readonly code: ErrorCode | null;
}

export const ok = (check: string, found: string): Finding => ({ check, state: 'ok', found, advice: null, code: null });

export const warn = (check: string, found: string, advice: string): Finding => ({
  check,
  state: 'warn',
  found,
  advice,
  code: null,
});

export const failed = (check: string, found: string, advice: string | null): Finding => ({
  check,
  state: 'fail',
  found,
  advice,
  code: null,
});

/** The finding for an error of the checked part; its sentence says what to do. */
export function fault(check: string, error: unknown): Finding {
  const code = error instanceof RoomkinError ? error.code : null;
  return { ...failed(check, sentenceOf(error), null), code };
}
