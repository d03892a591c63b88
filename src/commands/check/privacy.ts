// roomkin check --privacy: what is kept and what is connected, so that the promises of the README can be seen.
import type { ReportAnswer } from '../../reports/reports.js';
import type { CommandIo } from '../command.js';
import { reportOf } from '../daemon.js';
import { count, wrapRow } from '../rows.js';

export async function showPrivacy(io: CommandIo): Promise<void> {
  const rooms = io.rooms();
  const reports = [];
  for (const config of rooms) {
    const { id } = config.room;
    const report = await reportOf(io, 'privacy', {}, config);
    if (rooms.length > 1) io.out(`Room ${id}:`);
    for (const [label, text] of privacyRows(report))
      for (const line of wrapRow(label, text, io.textColumns)) io.out(line);
    reports.push({ room: id, ...report });
  }
  const [{ room: _, ...only }] = reports as [(typeof reports)[number]];
  io.document(rooms.length === 1 ? only : { rooms: reports });
}

/** The rows: label and text. */
export function privacyRows(report: ReportAnswer<'privacy'>): [string, string][] {
  const {
    directory,
    files,
    processes,
    snapshots,
    look: isLookAllowed,
    pagePictures,
    looksKeptHours,
    namesInLog,
  } = report;
  const pictures = files.filter(({ picture }) => picture);
  const found =
    pictures.length === 0
      ? `none of the ${files.length} files in ${directory} is a picture`
      : `${pictures.map(({ name }) => name).join(', ')} in ${directory}: not written by roomkin`;
  const camera = processes.filter(({ name }) => name !== 'daemon' && name !== 'recognition');
  return [
    ['pictures', found],
    ['published', snapshots ? 'the face of each arrival ([privacy] snapshots = true)' : 'no picture'],
    ['look', isLookAllowed ? 'root and the group roomkin may see the picture: roomkin look' : 'forbidden'],
    [
      'page',
      pagePictures
        ? 'roomkin open shows pictures of the last 50 faces, from memory ([privacy] page_pictures = true)'
        : 'roomkin open shows no picture',
    ],
    ...files.map(({ name, bytes }): [string, string] => ['file', `${name}, ${sizeText(bytes)}${fileText(name)}`]),
    [
      'journal',
      looksKeptHours === 0 ? 'nothing is kept' : `numbers about faces for ${looksKeptHours} h; roomkin why shows them`,
    ],
    ['log', namesInLog ? 'the journal of the system keeps names ([service] names_in_log)' : 'without names'],
    ...processes
      .filter(({ name }) => name === 'daemon' || name === 'recognition')
      .map((process): [string, string] => [process.name, connectionText(process)]),
    ...(processes.length > 0 && camera.length === 0
      ? [['camera', 'no process runs, so no picture is taken'] as [string, string]]
      : camera.map((process): [string, string] => ['camera', `${process.name}, ${connectionText(process)}`])),
    ...(processes.length === 0 ? [['daemon', 'none answers'] as [string, string]] : []),
  ];
}

function connectionText({ pid, connections }: ReportAnswer<'privacy'>['processes'][number]): string {
  if (connections === null) return `process ${pid}: the kernel does not tell its connections`;
  return `process ${pid}: ${connections.length === 0 ? 'no connection' : `${count(connections.length, 'connection')}, to ${connections.join(', ')}`}`;
}

function fileText(name: string): string {
  if (/^gallery\.sqlite/.test(name)) return ': names and dates in clear, templates encrypted';
  if (name.startsWith('looks.sqlite')) return ': encrypted';
  if (name === 'key' || name === 'household-key') return ': a key, for the daemon only';
  return '';
}

function sizeText(bytes: number): string {
  if (bytes >= 1e6) return `${(bytes / 1e6).toFixed(1)} MB`;
  return bytes >= 1e3 ? `${(bytes / 1e3).toFixed(1)} kB` : `${bytes} bytes`;
}
