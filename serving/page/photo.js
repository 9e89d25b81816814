// A file -> what is shown and what is sent.

import { request } from "./api.js";

const LONGEST_SIDE = 1600; // px; several times any network's input, and a few hundred kB instead of megabytes
const JPEG_QUALITY = 0.92;

const toBlob = (canvas) => new Promise((done) => canvas.toBlob(done, "image/jpeg", JPEG_QUALITY));

function copyOf(bitmap, longest) {
  const scale = Math.min(1, longest / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  const context = canvas.getContext("2d", { alpha: false });
  context.fillStyle = "#fff"; // the server lays transparency on white, so the copy does too
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return canvas;
}

/**
 * file: any Blob. Returns {blob (to send), shown (to look at), width, height, shrunk, original, name}.
 * A file this browser cannot read is sent as it is: the server says what is wrong with it.
 */
export async function prepare(file, { mayShrink, name = file.name || "photograph" }) {
  const asItIs = { blob: file, shown: file, shrunk: false, name, width: 0, height: 0 };
  let bitmap;
  try {
    bitmap = await createImageBitmap(file); // upright: EXIF orientation is applied
  } catch {
    return { ...asItIs, shown: null };
  }
  const original = { width: bitmap.width, height: bitmap.height, bytes: file.size };
  const photo = { ...asItIs, ...original, original };
  if (mayShrink && Math.max(bitmap.width, bitmap.height) > LONGEST_SIDE) {
    const canvas = copyOf(bitmap, LONGEST_SIDE);
    const blob = await toBlob(canvas);
    Object.assign(photo, { blob, shown: blob, shrunk: true, width: canvas.width, height: canvas.height });
  } else if (file.type === "image/gif") {
    photo.shown = await toBlob(copyOf(bitmap, LONGEST_SIDE)); // the models see the first frame; so should the reader
  }
  bitmap.close();
  return photo;
}

/** The committed samples: [{name, title, file, ...}]. */
export const loadSamples = async () => (await (await request("/static/samples/samples.json")).json()).samples;

/** One sample -> a photograph, never made smaller. */
export async function prepareSample(sample, signal) {
  const path = samplePath(sample);
  const blob = await (await request(path, { signal })).blob();
  return { ...(await prepare(blob, { mayShrink: false, name: sample.file })), sample: sample.name, path };
}

export const samplePath = (sample) => `/static/samples/${sample.file}`;
