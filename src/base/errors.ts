// Every error that a user can meet has a code, an exit code and a sentence that says what to do.
// docs/errors.md lists the same codes. A test compares the two.
import { printable } from './printable.js';

/** Exit codes (sysexits.h where one fits): 64 usage, 65 bad data, 69 unavailable, 70 internal, 74 I/O, 78 configuration. */
export type ExitCode = 64 | 65 | 69 | 70 | 74 | 78;

const table = {
  USAGE: 64,
  NAME_REFUSED: 65,
  PHOTO_UNREADABLE: 65,
  PHOTO_TOO_LARGE: 65,
  PHOTO_NO_FACE: 65,
  PHOTO_TWO_FACES: 65,
  PHOTO_MISPLACED: 65,
  FOLDER_EMPTY: 65,
  PHOTO_UNKNOWN: 65,
  PHOTO_NEEDED: 65,
  PERSON_UNKNOWN: 65,
  PERSON_EXISTS: 65,
  PERSON_TOO_ALIKE: 65,
  LOOKS_MISSING: 65,
  LOOK_UNKNOWN: 65,
  CORRECTION_UNKNOWN: 65,
  CORRECTION_REFUSED: 65,
  BACKUP_REFUSED: 65,
  PAIRS_MALFORMED: 65,
  RESULT_REFUSED: 65,
  BROKER: 69,
  DAEMON_NOT_RUNNING: 69,
  DAEMON_RUNNING: 69,
  DAEMON_BUSY: 69,
  REQUEST_UNKNOWN: 69,
  CAMERA_BLIND: 69,
  CHECK_FAILED: 69,
  NETWORK_MISSING: 69,
  EXPECTATION_MISSED: 70,
  INTERNAL: 70,
  ENGINE_FAILED: 70,
  DATABASE: 74,
  OUTPUT: 74,
  CONFIG_INVALID: 78,
  CONFIG_MISSING: 78,
  CAMERA_FORBIDDEN: 78,
  DIRECTORY_IN_USE: 78,
  KEY_FILE: 78,
  MODEL_HASH: 78,
  MODEL_MISSING: 78,
  RUNTIME_MISSING: 78,
} as const satisfies Record<string, ExitCode>;

export type ErrorCode = keyof typeof table;

/** The codes and their exit codes, for the test that compares them with docs/errors.md. */
export const errorTable: Readonly<Record<ErrorCode, ExitCode>> = table;

/** An error that a user can act on: printed as `roomkin: CODE: sentence`, without a stack. */
export class RoomkinError extends Error {
  readonly code: ErrorCode;
  constructor(code: ErrorCode, sentence: string, options?: ErrorOptions) {
    super(sentence, options);
    this.name = 'RoomkinError';
    this.code = code;
  }
  get exitCode(): ExitCode {
    return table[this.code];
  }
}

/**
 * Builds the error for `code`. The sentence names the file, key or person concerned and says what to do.
 * Control characters are escaped, because the sentence may quote hostile input and must stay on one line.
 */
export function fail(code: ErrorCode, sentence: string, cause?: unknown): RoomkinError {
  return new RoomkinError(code, oneLine(sentence), cause === undefined ? undefined : { cause });
}

/** The faults behind an error, one line each. */
export function faultsOf(error: Error): readonly string[] {
  return Array.isArray(error.cause) ? (error.cause as string[]) : [];
}

/** `text` with control and invisible characters escaped, so that it stays on one line of a terminal, cut to `maxLength` characters. */
export function oneLine(text: string, maxLength = 2000): string {
  const escaped = printable(text);
  return escaped.length > maxLength ? `${escaped.slice(0, maxLength)}…` : escaped;
}

/** The message of anything that was thrown, on one line, cut to `maxLength` characters. */
export function sentenceOf(error: unknown, maxLength?: number): string {
  return oneLine(error instanceof Error ? error.message : String(error), maxLength);
}
