// The commands that other programs may send to a room. Any client of the broker can send here. So the grammar is fixed, payloads
// are short, retained messages are ignored (an old command must not run again at each connect), and a flood causes at most one
// action per quarter second. The last command of a flood wins: "recognition OFF" must not be lost behind earlier messages.
import type { RoomTopics } from './topics.js';

export type RoomCommand =
  | { readonly type: 'recognition'; readonly on: boolean }
  | { readonly type: 'leave-after'; readonly seconds: number }
  | { readonly type: 'motion'; readonly on: boolean }
  | { readonly type: 'restart' };

/** What a command may set, seconds: as in the configuration. Within less than 2 s a face is missing now and then. */
export const leaveAfterSeconds = { least: 2, most: 86_400 } as const;

const maxCommandBytes = 16;
const spacingMs = 250;

/** The command in a message; null if it is not valid (wrong topic, retained, too long, not in the grammar). */
export function parseCommand(
  topics: RoomTopics,
  topic: string,
  payload: Buffer,
  retained: boolean,
): RoomCommand | null {
  if (retained || payload.length > maxCommandBytes) return null;
  const text = payload.toString('utf8');
  if (topic === topics.recognitionSet) return onOff('recognition', text);
  if (topic === topics.motionSet) return onOff('motion', text);
  if (topic === topics.restartSet) return text === 'PRESS' ? { type: 'restart' } : null;
  if (topic !== topics.leaveAfterSet || !/^\d{1,5}(\.\d{1,3})?$/.test(text)) return null;
  const seconds = Number(text);
  const isAllowed = seconds >= leaveAfterSeconds.least && seconds <= leaveAfterSeconds.most;
  return isAllowed ? { type: 'leave-after', seconds } : null;
}

function onOff(type: 'recognition' | 'motion', text: string): RoomCommand | null {
  return text === 'ON' || text === 'OFF' ? { type, on: text === 'ON' } : null;
}

export interface CommandGate {
  /** Passes `command` on now, or at the end of the quarter second unless a newer one of its type replaces it. */
  put(command: RoomCommand): void;
  /** Drops the waiting commands. */
  close(): void;
}

/** Passes on the first command of a type at once, then at most one per quarter second, the latest. */
export function createCommandGate(act: (command: RoomCommand) => void): CommandGate {
  const waiting = new Map<RoomCommand['type'], RoomCommand>();
  const timers = new Map<RoomCommand['type'], NodeJS.Timeout>();
  function release(type: RoomCommand['type']): void {
    timers.delete(type);
    const command = waiting.get(type);
    waiting.delete(type);
    if (command !== undefined) pass(command);
  }
  function pass(command: RoomCommand): void {
    timers.set(command.type, setTimeout(release, spacingMs, command.type));
    act(command);
  }
  return {
    put(command) {
      if (timers.has(command.type)) waiting.set(command.type, command);
      else pass(command);
    },
    close() {
      for (const timer of timers.values()) clearTimeout(timer);
      timers.clear();
      waiting.clear();
    },
  };
}
