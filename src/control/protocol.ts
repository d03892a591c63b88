// Requests and answers of the control socket: HTTP over a Unix socket, JSON bodies, newline-delimited JSON for streams. The data are
// plain, so the command line and `curl --unix-socket` get the same. docs/control-socket.md is the manual.
import { floatBytes, floatsOf } from '../base/bytes.js';
import type { ErrorCode } from '../base/errors.js';
import type { Reason } from '../gallery/reason.js';
import type { Face, Point, Quality } from '../vision/face.js';

/** The most observations that `why` returns. */
export const maxObservations = 200;

/** A request. `watch`, `live` and `pictures` are streams; every other verb has one answer. */
export type ControlRequest =
  | { readonly verb: 'status' | 'engine' | 'watch' | 'live' | 'look' | 'pictures' | 'pause' | 'resume' }
  | { readonly verb: 'why'; readonly last: number }
  | { readonly verb: 'picture'; readonly track: number };

/** Method, path, headers and body of a request. */
export interface RequestLine {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

export function requestLine(request: ControlRequest): RequestLine {
  const method = request.verb === 'pause' || request.verb === 'resume' ? 'POST' : 'GET';
  if (request.verb === 'why') return { method, path: `/why?last=${request.last}` };
  if (request.verb === 'picture') return { method, path: `/picture?track=${request.track}` };
  return { method, path: `/${request.verb}` };
}

/** The body of an answer whose status is 400 or more. */
export interface ControlError {
  readonly code: ErrorCode;
  readonly message: string;
}

/** The state of the running daemon. Names of durations contain the unit; null: not known yet. */
export interface DaemonStatus {
  readonly version: string;
  readonly room: string;
  readonly pid: number;
  readonly uptimeSeconds: number;
  /** The privacy switch. `off`: the camera's process is stopped. */
  readonly recognition: 'on' | 'off';
  /** Why recognition is off although nobody switched it off; null otherwise. */
  readonly recognitionReason: string | null;
  /** What is out of order: part, what to do, and since when. Empty where everything works. */
  readonly problems: readonly { readonly part: string; readonly problem: string; readonly since: string | null }[];
  readonly camera: {
    readonly state: 'starting' | 'online' | 'offline' | 'paused';
    readonly reason: string | null;
    readonly frames: number;
    readonly drops: number;
    readonly reopened: number;
    /** Its address gives one picture for each request and is polled. */
    readonly snapshots?: boolean | undefined;
  };
  readonly engine: {
    readonly detector: string;
    readonly embedder: string;
    readonly delegate: 'xnnpack' | 'none';
    readonly delegateReason: string | null;
    /** Whether the recognition process has no network and may start no program. */
    readonly sandboxed: boolean;
    readonly restarts: number;
  } | null;
  /** Number of processed frames, their rate, and their latency from capture to decision. */
  readonly frames: {
    readonly processed: number;
    readonly fps: number;
    /** Without the frames that the motion gate found unchanged. */
    readonly analysedFps: number;
    /** `reduced`: tiles and close-ups are left out, because the board cannot keep up. */
    readonly search: 'full' | 'reduced';
    readonly p50Ms: number | null;
    readonly p95Ms: number | null;
  };
  readonly gallery: { readonly people: number; readonly templates: number };
  readonly mqtt: { readonly connected: boolean; readonly url: string; readonly reason: string | null };
  readonly presence: RoomState;
  /** Static faces: centre and width in the frame. */
  readonly fixedFaces: readonly {
    readonly xPx: number;
    readonly yPx: number;
    readonly widthPx: number;
    readonly stillSeconds: number;
  }[];
}

/** The people in the room. Every value is null while the daemon is paused or blind, because unknown is not "nobody". */
export interface RoomState {
  readonly occupied: boolean | null;
  readonly people:
    | readonly {
        readonly person: string;
        readonly name: string;
        readonly as: 'seen' | 'assumed';
        readonly since: string;
      }[]
    | null;
  /** Faces that are one of two people who look alike. */
  readonly ambiguous:
    | readonly { readonly people: readonly string[]; readonly names: readonly string[]; readonly since: string }[]
    | null;
  readonly strangers: number | null;
}

/** One line of `watch`: the state at the start and after each change, and each event. */
export type WatchUpdate =
  | ({ readonly type: 'state'; readonly at: string } & RoomState)
  | {
      readonly type: 'event';
      readonly at: string;
      readonly event: 'arrived' | 'left' | 'stranger_arrived' | 'stranger_left';
      readonly person: string | null;
      readonly name: string | null;
      readonly confidence: 'high' | 'medium';
      /** Only in `left`: the id of the room of the household in which the person is now. */
      readonly moved_to?: string;
    };

/** One line of `live`: the faces of a frame, or why there are none. Every frame is analysed while a `live` stream is open. */
export type LiveUpdate =
  | {
      readonly type: 'frame';
      /** Embedding space, and the version of the gallery with which the faces were identified. */
      readonly space: string;
      readonly gallery: number;
      readonly faces: readonly LiveFace[];
    }
  | { readonly type: 'blind'; readonly paused: boolean; readonly reason: string };

/** One face of a frame, for enrolment. It reveals no more to users of the socket than the similarities of `why`. */
export interface LiveFace {
  readonly score: number;
  readonly quality: Quality;
  /** Unit vector as `encodeEmbedding` writes it; null if the face was too poor to be embedded. */
  readonly embedding: string | null;
  /** Weight of the observation (0 to 1), the id of the closest person, and the name and reason of its track. */
  readonly weight: number;
  readonly best: string | null;
  readonly similarity: number | null;
  readonly person: string | null;
  readonly reason: Reason;
}

/** What the camera sees now: one frame and its faces. Boxes and landmarks in pixels of the frame. */
export interface CameraView {
  /** Capture time, ISO 8601. */
  readonly at: string;
  readonly width: number;
  readonly height: number;
  /** Faces with fewer pixels between the eyes are ignored. */
  readonly leastEyesPx: number;
  readonly faces: readonly FaceInView[];
  /** The frame, smaller where it has more than 1280 pixels; `jpeg` in base64. */
  readonly picture: { readonly width: number; readonly height: number; readonly jpeg: string };
}

export interface FaceInView extends Pick<Face, 'box' | 'score' | 'quality'> {
  readonly landmarks: readonly Point[];
  /** The name of its track and the rule that decided; null for none, and without a daemon. */
  readonly name: string | null;
  readonly rule: string | null;
}

/**
 * One line of `pictures`: the faces of which there is a picture, by their track; another picture of a track has another id. Pictures are made
 * only while such a stream is open and `[privacy] page_pictures` allows them.
 */
export interface PictureUpdate {
  readonly type: 'pictures';
  readonly pictures: readonly FacePictureId[];
}

export interface FacePictureId {
  readonly track: number;
  readonly id: number;
}

/** The picture of a track; `jpeg` in base64, null where there is none any more. */
export interface FacePictureAnswer {
  readonly jpeg: string | null;
}

/** An embedding as base64 of its 32-bit floats, little-endian. */
export function encodeEmbedding(vector: Float32Array): string {
  return floatBytes(vector).toString('base64');
}

export function decodeEmbedding(text: string): Float32Array {
  return floatsOf(Buffer.from(text, 'base64'));
}
