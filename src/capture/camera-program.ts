// What the supervisor has to know about a program that writes raw video. Data and pure functions only.
import type { ProgramExit } from './camera-child.js';

export interface CameraProgram {
  /** Names to try, each a program and its first arguments; the next is tried where one is not installed. */
  readonly commands: readonly (readonly string[])[];
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly stdin: string | null;
  /** What rows may be padded to, the likeliest first; 1 is no padding. */
  readonly rowAlignments: readonly number[];
  /** Whether status 0 means that the input is over, not that the camera failed. */
  readonly ends: boolean;
  /** The true picture size, if this line of stderr names it. */
  sizeIn(line: string): { readonly width: number; readonly height: number } | null;
  /** A line of stderr without secrets. */
  redact(line: string): string;
  /** Why it ended, in one sentence that says what to do. `lines` are the last of stderr, redacted. */
  explain(exit: ProgramExit, lines: readonly string[]): string;
  /** What stderr says about a program that runs and gives no frames; null if nothing helps. */
  explainStall(lines: readonly string[]): string | null;
}
