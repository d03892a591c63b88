// The privacy switch. It fails closed: the camera stops first and the position is remembered after that, and a start that cannot be
// sure that "on" is the last position leaves the camera off. Two memories decide at the start: the disk and the retained message
// of this room at the broker. docs/adr/0020-privacy-switch.md has the cases.
import { sentenceOf } from '../base/errors.js';
import type { Log } from '../base/log.js';
import type { Problems } from '../base/problems.js';
import { createRetried } from '../base/retry.js';
import type { Position, PositionFile, StoredPosition } from '../store/position-file.js';

export interface PrivacySwitch extends Disposable {
  readonly on: boolean;
  /** Why recognition is off although nobody switched it off; null otherwise. */
  readonly waiting: string | null;
  /** Resolves when the new position has taken effect. Off: the camera's process has ended. Never rejects for a disk that fails. */
  set(on: boolean): Promise<void>;
  /** Resolves when every position set so far has taken effect. */
  settled(): Promise<void>;
  /** Number of position changes. */
  readonly changes: number;
  /** The retained position that the broker had when this process first connected; null: it had none. */
  brokerHad(position: Position | null): void;
  /** The broker acknowledged this position. */
  published(position: Position): void;
}

export interface PrivacySwitchParts {
  readonly file: PositionFile;
  /** Starts or stops the camera. Called for each change, in order. */
  apply(on: boolean): Promise<void>;
  readonly problems: Problems;
  readonly log: Log;
  /** How long a start waits for the broker's position where the disk says "on", milliseconds. */
  readonly brokerWithinMs?: number;
}

/** Long enough for a broker in the house to answer, short enough that nobody notices the wait after a start without a broker. */
const shippedBrokerWithinMs = 3_000;
const retryMs = { first: 1_000, most: 30_000 };

export function createPrivacySwitch(parts: PrivacySwitchParts): PrivacySwitch {
  const { file, apply, problems, log, brokerWithinMs = shippedBrokerWithinMs } = parts;
  let stored: StoredPosition = file.read() ?? { position: 'on', published: null };
  let position: Position = stored.position;
  let changes = 0;
  let applied = Promise.resolve();
  let brokerAsked = false;
  /** Set while the start cannot tell whether "on" is the last position. */
  let waiting: string | null = null;

  const isOn = (): boolean => position === 'on' && waiting === null;

  async function write(): Promise<boolean> {
    try {
      await file.write(stored);
      problems.solve('privacy switch');
      return true;
    } catch (error) {
      problems.report(
        'privacy switch',
        `its position cannot be written (${sentenceOf(error)}): make the disk writable; after a restart recognition is off until the broker or \`roomkin resume\` says "on"`,
      );
      return false;
    }
  }
  /** Writes `stored`, now or, where the disk fails, later. */
  const remembering = createRetried(write, { firstMs: retryMs.first, mostMs: retryMs.most });
  let isUnwritten = false;
  function rememberNow(): Promise<boolean> {
    isUnwritten = false;
    return remembering.now();
  }
  /**
   * Writes `stored` after what was just asked of the camera and the broker: a slow disk must not keep that back. Resolves when the
   * position outlives this process.
   */
  function rememberSoon(): Promise<void> {
    isUnwritten = true;
    return new Promise((resolve) => {
      setImmediate(() => {
        if (isUnwritten) void rememberNow();
        resolve();
      });
    });
  }

  /** Brings the camera in line with the position. */
  function takeEffect(wasOn: boolean): Promise<void> {
    const on = isOn();
    if (on !== wasOn) {
      changes += 1;
      // One after the other: a quick "off, on, off" must end with the camera stopped.
      applied = applied.then(() => apply(on));
    }
    return applied;
  }

  function endWaiting(decided: Position): void {
    const wasOn = isOn();
    clearTimeout(patience);
    waiting = null;
    position = decided;
    void takeEffect(wasOn);
  }

  let patience: NodeJS.Timeout | undefined;
  let isDisposed = false;
  if (position === 'on') waiting = 'recognition starts when the broker has confirmed that it was not switched off';
  // Also "off": it may come from the copy in the runtime directory, which a restart of the machine empties.
  void rememberNow().then((isWritable) => {
    if (waiting === null || isDisposed) return;
    if (isWritable) patience = setTimeout(() => endWaiting('on'), brokerWithinMs);
    else
      waiting =
        'recognition is off until the broker or `roomkin resume` says "on": the disk cannot tell whether it was switched off';
  });

  return {
    get on() {
      return isOn();
    },
    get waiting() {
      return waiting;
    },
    set(on) {
      const wasOn = isOn();
      clearTimeout(patience);
      waiting = null;
      brokerAsked = true;
      const next: Position = on ? 'on' : 'off';
      position = next;
      const effect = takeEffect(wasOn);
      if (stored.position === next) return effect;
      stored = { ...stored, position: next };
      return Promise.all([effect, rememberSoon()]).then(() => {});
    },
    settled: () => applied,
    get changes() {
      return changes;
    },
    brokerHad(retained) {
      if (brokerAsked) return;
      brokerAsked = true;
      // An "off" that the broker acknowledged before a newer "on" was stored is outdated. The disk knows what it acknowledged.
      const isNewer = retained === 'off' && stored.position === 'on' && stored.published !== 'off';
      if (isNewer) {
        stored = { position: 'off', published: 'off' };
        void rememberSoon();
        log('notice', 'recognition was switched off before the restart and stays off: `roomkin resume` switches it on');
        endWaiting('off');
      } else if (waiting !== null) endWaiting(stored.position);
    },
    published(acknowledged) {
      if (stored.published === acknowledged) return;
      stored = { ...stored, published: acknowledged };
      void rememberSoon();
    },
    [Symbol.dispose]() {
      isDisposed = true;
      clearTimeout(patience);
      if (isUnwritten) void rememberNow();
      remembering[Symbol.dispose]();
    },
  };
}
