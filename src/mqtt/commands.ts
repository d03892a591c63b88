// What other programs may tell a room. Anybody on the broker can write here, so: a fixed grammar, short payloads, nothing that
// was retained (a switch thrown last week must not throw itself again at each connect), and a flood costs one action a quarter
// of a second. Of a flood the last word wins: "recognition OFF" must not be lost behind a hundred messages before it.
import type { RoomTopics } from './topics.js';

export type RoomCommand =
  | { readonly type: 'recognition'; readonly on: boolean }
  | { readonly type: 'hold'; readonly seconds: number }
  | { readonly type: 'motion'; readonly on: boolean };

/** Longest hold that may be asked for: a day. */
export const maxHoldSeconds = 86_400;

const maxCommandBytes = 16;
const spacingMs = 250;

/** The command in a message; null where it is none (wrong topic, retained, too long, not of the grammar). */
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
  if (topic !== topics.holdSet || !/^\d{1,5}(\.\d{1,3})?$/.test(text)) return null;
  const seconds = Number(text);
  return seconds <= maxHoldSeconds ? { type: 'hold', seconds } : null;
}

function onOff(type: 'recognition' | 'motion', text: string): RoomCommand | null {
  return text === 'ON' || text === 'OFF' ? { type, on: text === 'ON' } : null;
}

export interface CommandGate {
  /** Hands `command` on now, or at the end of the quarter second unless a newer one of its type replaces it. */
  put(command: RoomCommand): void;
  /** Forgets what waits. */
  close(): void;
}

/** Hands on the first command of a type at once and then at most one each quarter second, the latest. */
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
