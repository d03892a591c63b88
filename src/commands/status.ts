// roomkin status: the state of the running daemon in eight or nine lines; with several rooms, one line for each of them. `roomkin check`
// works without a daemon.
import type { DaemonStatus, RoomState } from '../control/protocol.js';
import { rateText } from '../control/speed.js';
import type { CommandIo } from './command.js';
import { ask } from './daemon.js';
import { count, wrapRow } from './rows.js';

export async function run(_: object, io: CommandIo): Promise<void> {
  const statuses: DaemonStatus[] = [];
  for (const room of io.rooms()) statuses.push(await ask<DaemonStatus>(io, { verb: 'status' }, room));
  const [first, ...others] = statuses;
  const rows = others.length === 0 ? statusRows(first!) : roomRows(statuses);
  for (const [label, text] of rows) for (const line of wrapRow(label, text, io.columns)) io.out(line);
  io.document(others.length === 0 ? first : { rooms: statuses });
}

/** The rows for several rooms of one daemon: what they share, one row for each, and the problems. */
export function roomRows(statuses: readonly DaemonStatus[]): [string, string][] {
  const shared = statusRows(statuses[0]!).filter(([label]) => ['daemon', 'engine', 'gallery'].includes(label));
  const problems = new Map<string, string[]>();
  for (const { room, problems: ofRoom } of statuses)
    for (const { part, problem } of ofRoom) {
      const text = `${part}: ${problem}`;
      problems.set(text, [...(problems.get(text) ?? []), room]);
    }
  return [
    ...shared,
    ...statuses.map((status): [string, string] => {
      const { camera, frames, mqtt, recognition, recognitionReason } = status;
      const why = camera.reason === null ? '' : ` (${camera.reason})`;
      const isOn = recognition === 'on';
      return [
        'room',
        [
          `${status.room}: ${isOn ? describeRoom(status.presence) : (recognitionReason ?? 'recognition is off')}`,
          `camera ${camera.state}${why}, ${rateOf(frames.fps)} frames a second, ${camera.drops} dropped for newer ones`,
          ...(mqtt.connected ? [] : [`not connected to ${mqtt.url}`]),
        ].join('; '),
      ];
    }),
    ...[...problems].map(([text, rooms]): [string, string] => [
      'problem',
      rooms.length === statuses.length ? text : `${rooms.join(', ')}: ${text}`,
    ]),
  ];
}

const rateOf = (fps: number): string => (fps < 1 ? rateText(fps) : fps.toFixed(1));

/** The rows of `roomkin status`: label and text. */
export function statusRows(status: DaemonStatus): [string, string][] {
  const { camera, engine, frames, gallery, mqtt } = status;
  const counts = `${camera.frames} frames, ${camera.drops} dropped for newer ones, reopened ${count(camera.reopened, 'time')}`;
  const latency =
    frames.p50Ms === null ? '' : `, ${round(frames.p50Ms)} ms each (p95 ${round(frames.p95Ms ?? frames.p50Ms)} ms)`;
  return [
    ['room', `${status.room}: ${describeRoom(status.presence)}`],
    ['daemon', `version ${status.version}, process ${status.pid}, up ${describeDuration(status.uptimeSeconds)}`],
    [
      'recognition',
      status.recognition === 'on' ? 'on' : (status.recognitionReason ?? 'off: `roomkin resume` switches it on'),
    ],
    ['camera', `${camera.state}${camera.reason ? `: ${camera.reason}` : ''}; ${counts}`],
    [
      'frames',
      `${frames.processed} analysed, ${rateOf(frames.fps)} a second${latency}${frames.search === 'reduced' ? '; far faces are searched for less often, because this board cannot keep up' : ''}`,
    ],
    ['engine', describeEngine(engine)],
    [
      'gallery',
      `${gallery.people} people, ${gallery.templates} templates${gallery.people === 0 ? ': enrol someone with `roomkin enrol NAME --photos PATH`' : ''}`,
    ],
    [
      'mqtt',
      `${mqtt.connected ? 'connected to' : 'not connected to'} ${mqtt.url}${mqtt.reason ? `: ${mqtt.reason}` : ''}`,
    ],
    ...(status.fixedFaces.length === 0
      ? []
      : [['static faces', describeStaticFaces(status.fixedFaces)] as [string, string]]),
    ...status.problems.map(({ part, problem }): [string, string] => ['problem', `${part}: ${problem}`]),
  ];
}

/** Who is in the room, as a phrase. Without a camera picture that is not known, which differs from an empty room. */
export function describeRoom(room: RoomState): string {
  if (room.occupied === null || room.people === null) return 'not known while the camera gives no picture';
  const strangers = room.strangers ?? 0;
  const names = room.people.map((person) => (person.as === 'seen' ? person.name : `${person.name} (assumed)`));
  for (const face of room.ambiguous ?? []) names.push(`either ${face.names.join(' or ')}`);
  if (strangers > 0) names.push(strangers === 1 ? '1 unknown person' : `${strangers} unknown people`);
  return names.length > 0 ? names.join(', ') : room.occupied ? 'somebody' : 'nobody';
}

/** Faces that never move, such as posters, as a phrase. */
export function describeStaticFaces(faces: DaemonStatus['fixedFaces']): string {
  const positions = faces.map((face) => `${face.xPx},${face.yPx} px (${describeDuration(face.stillSeconds)})`);
  const subject = faces.length === 1 ? '1 face has not moved and is' : `${faces.length} faces have not moved and are`;
  return `${subject} ignored: ${positions.join(', ')}`;
}

function describeEngine(engine: DaemonStatus['engine']): string {
  if (engine === null) return 'not running: it is being started, see `journalctl -u roomkin`';
  const delegate =
    engine.delegate === 'xnnpack'
      ? 'with XNNPACK'
      : `without XNNPACK${engine.delegateReason ? ` (${engine.delegateReason})` : ''}`;
  return `${engine.detector} and ${engine.embedder} ${delegate}${engine.sandboxed ? ', in its sandbox' : ', without its sandbox (`roomkin check` says why)'}, restarted ${count(engine.restarts, 'time')}`;
}

/** A duration in its two largest units: `3 d 4 h`, `12 min 5 s`. */
export function describeDuration(seconds: number): string {
  const units: [string, number][] = [
    ['d', 86400],
    ['h', 3600],
    ['min', 60],
    ['s', 1],
  ];
  let rest = Math.max(0, Math.floor(seconds));
  const parts: string[] = [];
  for (const [unit, size] of units) {
    const amount = Math.floor(rest / size);
    rest -= amount * size;
    if (amount > 0) parts.push(`${amount} ${unit}`);
    if (parts.length === 2) break;
  }
  return parts.length > 0 ? parts.join(' ') : '0 s';
}

function round(ms: number): string {
  return ms >= 10 ? ms.toFixed(0) : ms.toFixed(1);
}
