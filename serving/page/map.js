// Activation maps: grids of floats -> one hue over the photograph, one scale for every model and class.

const HUE = 20;
const FINE = 96; // cells of the smoothed map on its longer side

/** The strongest evidence that any model has for any class: the top of the colour scale. */
export function scaleOf(answers) {
  let top = 0;
  for (const answer of answers) {
    for (const grid of Object.values(answer.activation_map ?? {})) top = Math.max(top, ...grid.flat());
  }
  return top;
}

/** Bilinear between cell centres; y and x in cells. */
function at(grid, y, x) {
  const rows = grid.length;
  const columns = grid[0].length;
  const clamp = (value, last) => Math.min(Math.max(value, 0), last);
  const top = clamp(Math.floor(y), rows - 1);
  const left = clamp(Math.floor(x), columns - 1);
  const bottom = clamp(Math.floor(y) + 1, rows - 1);
  const right = clamp(Math.floor(x) + 1, columns - 1);
  const down = clamp(y - top, 1);
  const across = clamp(x - left, 1);
  const upper = grid[top][left] * (1 - across) + grid[top][right] * across;
  const lower = grid[bottom][left] * (1 - across) + grid[bottom][right] * across;
  return upper * (1 - down) + lower * down;
}

/** Share of the scale 0..1 -> [red, green, blue, alpha] 0..255: one hue, lighter and denser with more evidence. */
export function colour(share) {
  const lightness = 0.38 + 0.24 * share;
  const saturation = 0.95 * Math.min(lightness, 1 - lightness);
  const channel = (n) => {
    const k = (n + HUE / 30) % 12;
    return lightness - saturation * Math.max(-1, Math.min(k - 3, 9 - k, 1));
  };
  return [channel(0) * 255, channel(8) * 255, channel(4) * 255, 255 * Math.min(1, 1.15 * share ** 0.9)];
}

function picture(grid, scale) {
  const factor = FINE / Math.max(grid.length, grid[0].length);
  const height = Math.round(grid.length * factor);
  const width = Math.round(grid[0].length * factor);
  const image = new ImageData(width, height);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const value = at(grid, (y + 0.5) / factor - 0.5, (x + 0.5) / factor - 0.5);
      const share = Math.min(1, Math.max(0, value) / scale); // evidence against a class is not drawn
      image.data.set(colour(share), 4 * (y * width + x));
    }
  }
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

/** The part of the photograph that the network saw, in pixels of a width x height picture. */
export function seen(width, height, { rule, short } = {}, side = null) {
  if (rule !== "short_crop" || !side) return { left: 0, top: 0, width, height };
  const cut = (Math.min(width, height) * side) / short;
  return { left: (width - cut) / 2, top: (height - cut) / 2, width: cut, height: cut };
}

/** Draws a grid over the part of the photograph that it belongs to; without one, clears. */
export function draw(canvas, grid, scale, facts) {
  const context = canvas.getContext("2d");
  context.clearRect(0, 0, canvas.width, canvas.height);
  if (!grid || scale <= 0) return;
  const part = seen(canvas.width, canvas.height, facts?.resize, facts?.input_size);
  context.imageSmoothingQuality = "high";
  context.drawImage(picture(grid, scale), part.left, part.top, part.width, part.height);
}
