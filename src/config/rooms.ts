// Several rooms in one file: each [[room]] table and the sections below it, over the sections for all rooms, give what a file with one
// [room] says. What the rooms must not have in common is checked here.

/** The sections that a room may have of its own, below its [[room]], with the keys that may be there; null: every key. */
const ownKeys: Readonly<Record<string, readonly string[] | null>> = {
  camera: null,
  presence: null,
  mqtt: ['client_id', 'username', 'password', 'password_file', 'cert_file', 'key_file'],
  home_assistant: ['area'],
  privacy: null,
};
export const ownSections: readonly string[] = Object.keys(ownKeys);

type Table = Readonly<Record<string, unknown>>;
type Path = readonly PropertyKey[];

export interface RoomFault {
  readonly path: Path;
  readonly message: string;
}

/** The file as one of its rooms sees it. */
export interface RoomView {
  /** The sections, as a file with one [room] has them. */
  readonly value: unknown;
  /** Where a key of `value` is in the file. */
  placeOf(path: Path): Path;
  readonly faults: readonly RoomFault[];
}

const isTable = (value: unknown): value is Table =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);

/** The rooms of a file in their order; one with one [room], or where `room` is neither. `sections`: the names of all sections. */
export function roomViews(file: unknown, sections: readonly string[]): readonly RoomView[] {
  const rooms = isTable(file) ? file['room'] : undefined;
  if (!isTable(file) || !Array.isArray(rooms) || rooms.length === 0)
    return [{ value: file, placeOf: (path) => path, faults: [] }];
  return rooms.map((room: unknown, index) => viewOf(room, index, file, sections));
}

function viewOf(room: unknown, index: number, file: Table, sections: readonly string[]): RoomView {
  if (!isTable(room)) return { value: { ...file, room }, placeOf: () => ['room', index], faults: [] };
  const own = new Map<string, unknown>();
  const rest: Record<string, unknown> = {};
  const faults: RoomFault[] = [];
  const isShared = (path: Path, section: string): void => {
    faults.push({ path: ['room', index, ...path], message: `is the same for all rooms: write it in [${section}]` });
  };
  for (const [key, value] of Object.entries(room)) {
    const allowed = ownKeys[key];
    if (allowed === undefined) {
      if (key !== 'room' && sections.includes(key)) isShared([key], key);
      else rest[key] = value;
    } else if (!isTable(value)) own.set(key, value);
    else {
      const foreign = allowed === null ? [] : Object.keys(value).filter((name) => !allowed.includes(name));
      for (const name of foreign) isShared([key, name], key);
      own.set(key, Object.fromEntries(Object.entries(value).filter(([name]) => !foreign.includes(name))));
    }
  }
  const merged = [...own].map(([key, value]) => {
    const shared = file[key];
    return [key, isTable(value) && isTable(shared) ? { ...shared, ...value } : value] as const;
  });
  return {
    value: { ...file, ...Object.fromEntries(merged), room: rest },
    placeOf([section, ...path]) {
      if (section === 'room') return ['room', index, ...path];
      const [key] = path;
      const shared = file[String(section)];
      const ofRoom = own.get(String(section));
      const isOwn = isTable(ofRoom) && (key === undefined || Object.hasOwn(ofRoom, key));
      const isInShared = isTable(shared) && (key === undefined || Object.hasOwn(shared, key));
      const mayBeOwn = ownKeys[String(section)] !== undefined;
      return isOwn || (mayBeOwn && !isInShared) ? ['room', index, section!, ...path] : [section!, ...path];
    },
    faults,
  };
}

/** What the checks between rooms read of a room. */
interface CheckedRoom {
  readonly room: { readonly id: string };
  readonly camera: { readonly source: string; readonly input: string | null; readonly index: number | null };
  readonly mqtt: { readonly clientId: string | null };
  readonly service: { readonly controlSocket: string | null };
}

/** What rooms of one daemon must not have in common; paths as for a file with one [room]. */
export function sharingFaults(rooms: readonly CheckedRoom[]): readonly (RoomFault & { readonly index: number })[] {
  if (rooms.length < 2) return [];
  /** A fault for each room whose `nameOf` an earlier room has. null has nobody else. */
  const repeated = (
    path: Path,
    nameOf: (room: CheckedRoom) => string | null,
    messageOf: (name: string, earlier: number) => string,
  ) =>
    rooms.flatMap((room, index) => {
      const name = nameOf(room);
      const earlier = rooms.findIndex((other) => nameOf(other) === name);
      return name === null || earlier === index ? [] : [{ index, path, message: messageOf(name, earlier) }];
    });
  const idOf = (index: number): string => rooms[index]!.room.id;
  return [
    ...repeated(
      ['room', 'id'],
      ({ room }) => room.id,
      (id, earlier) => `${id} is the id of table ${earlier + 1} too: give each [[room]] an id of its own`,
    ),
    ...repeated(
      ['mqtt', 'client_id'],
      ({ mqtt }) => mqtt.clientId,
      (_, earlier) => `room ${idOf(earlier)} has the same: remove it, or write one for each room in [room.mqtt]`,
    ),
    ...repeated(
      ['camera'],
      ({ camera }) => deviceOf(camera),
      (device, earlier) =>
        `room ${idOf(earlier)} has ${device} already, and only one program can use it: give each room its own [room.camera]`,
    ),
    ...(rooms[0]!.service.controlSocket === null
      ? []
      : [
          {
            index: 0,
            path: ['service', 'control_socket'],
            message: 'is the socket of one room: remove it, each room has its own, named ID.sock',
          },
        ]),
  ];
}

/** What only one program can use; null for a camera in the network and for files. */
function deviceOf({ source, input, index }: CheckedRoom['camera']): string | null {
  if (source === 'libcamera') return `camera ${index ?? 0} of libcamera`;
  return source === 'ffmpeg' && input?.startsWith('/dev/') ? input : null;
}
