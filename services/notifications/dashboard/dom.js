// Small functions to make elements, and to bring what is on the page to what should be.
//
// Elements that stay are kept, so that focus, selection and scroll position survive a repaint.

/** @import { Child, Drawn, Handler, Listed, Props } from "../dashboard.d.ts" */

const SVG = "http://www.w3.org/2000/svg";
const SVG_TAGS = new Set(["svg", "path", "circle", "rect", "line", "g"]);

/**
 * Makes an element. `on...` are handlers; null, undefined and false leave an attribute or a child out.
 * @param {string} tag
 * @param {Props | null} [props]
 * @param {Child[]} children
 */
export function h(tag, props, ...children) {
  const made = SVG_TAGS.has(tag) ? document.createElementNS(SVG, tag) : document.createElement(tag);
  const el = /** @type {Drawn} */ (made);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") (el.handlers ??= {})[name] = handle(el, name, value);
    else if (name === "value") el.value = String(value);
    else el.setAttribute(name, value === true ? "" : String(value));
  }
  append(el, children);
  return el;
}

/**
 * Sets a handler, or takes it away.
 * @template {Handler | null} Given
 * @param {Drawn} el
 * @param {string} name
 * @param {Given} handler
 */
function handle(el, name, handler) {
  Object.assign(el, { [name]: handler });
  return handler;
}

/**
 * @param {Drawn} el
 * @param {Child[]} children
 */
function append(el, children) {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    if (Array.isArray(child)) append(el, child);
    else el.append(child instanceof Node ? child : String(child));
  }
}

/**
 * Children with spaces between, for whoever reads the text and not the boxes.
 * @param {Child[]} children
 */
export function spaced(...children) {
  return children
    .flat()
    .filter((child) => child !== null && child !== undefined && child !== false)
    .flatMap((child) => [child, " "]);
}

/**
 * Makes `from` look like `to`, keeping its elements where tag and `data-key` agree.
 * @template {ChildNode} Kind
 * @param {Kind} from
 * @param {Kind} to
 */
export function morph(from, to) {
  if (from.nodeType !== to.nodeType || from.nodeName !== to.nodeName) {
    from.replaceWith(to);
    return to;
  }
  if (from instanceof Text && to instanceof Text) {
    if (from.data !== to.data) from.data = to.data;
    return from;
  }
  // What says that it looks after its own children is only repainted by whoever fills it.
  const el = drawn(from);
  const wanted = drawn(to);
  attributes(el, wanted);
  if (!wanted.hasAttribute("data-own")) children(el, wanted);
  return from;
}

/** @param {Node} node */
function drawn(node) {
  return /** @type {Drawn} */ (node);
}

/**
 * @param {Drawn} from
 * @param {Drawn} to
 */
function attributes(from, to) {
  for (const { name } of [...from.attributes]) {
    // Whether something is folded out is for whoever looks at it to say.
    if (!to.hasAttribute(name) && name !== "open") from.removeAttribute(name);
  }
  for (const { name, value } of to.attributes) if (from.getAttribute(name) !== value) from.setAttribute(name, value);
  for (const name of Object.keys(from.handlers ?? {})) if (!to.handlers?.[name]) handle(from, name, null);
  for (const [name, handler] of Object.entries(to.handlers ?? {})) handle(from, name, handler);
  from.handlers = to.handlers;
  // A field that is being typed in is ahead of what was drawn for it.
  if ("value" in to && from.value !== to.value && document.activeElement !== from) from.value = to.value;
}

/**
 * @param {Element} from
 * @param {Element} to
 */
function children(from, to) {
  const wantedKeys = new Set([...to.children].map(keyOf));
  /** @type {Map<string, Element>} */
  const keyed = new Map();
  for (const child of [...from.children]) {
    const key = keyOf(child);
    if (key === null) continue;
    if (wantedKeys.has(key)) keyed.set(key, child);
    else child.remove();
  }
  let at = from.firstChild;
  for (const wanted of [...to.childNodes]) {
    const key = keyOf(wanted);
    const found = key === null ? null : keyed.get(key);
    if (found) {
      if (found === at) at = at.nextSibling;
      else move(from, found, at);
      morph(found, wanted);
    } else if (at && key === null && keyOf(at) === null && at.nodeName === wanted.nodeName) {
      const next = at.nextSibling;
      morph(at, wanted);
      at = next;
    } else {
      from.insertBefore(wanted, at);
    }
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

/** @param {Node} node */
function keyOf(node) {
  return node instanceof Element ? node.getAttribute("data-key") : null;
}

/**
 * What a view has drawn, to be filled.
 * @param {Element} root
 * @param {string} selector
 */
export function part(root, selector) {
  return /** @type {Drawn} */ (root.querySelector(selector));
}

/**
 * Moves an element among its siblings; newer browsers let it keep its focus.
 * @param {Element} parent
 * @param {Element} el
 * @param {Node | null} before
 */
function move(parent, el, before) {
  if (el.isConnected && parent.moveBefore) parent.moveBefore(el, before);
  else parent.insertBefore(el, before);
}

/**
 * Brings the children of a list to some models. A child is built anew only when its signature has changed, so that
 * a list of thousands costs no more than what has changed in it. `onChange` is told of each.
 * @template Model
 * @param {Drawn} parent
 * @param {Model[]} models
 * @param {Listed<Model>} how
 */
export function list(parent, models, { key, signature, build, onChange }) {
  const kept = (parent.kept ??= new Map());
  const wanted = new Set(models.map(key));
  for (const [name, entry] of kept) {
    if (wanted.has(name)) continue;
    entry.el.remove();
    kept.delete(name);
  }
  let at = parent.firstElementChild;
  for (const model of models) {
    const name = key(model);
    const sign = signature(model);
    const isNew = !kept.has(name);
    if (isNew) kept.set(name, { el: build(model), sign });
    const entry = kept.get(name);
    if (at && entry.el === at) at = at.nextElementSibling;
    else move(parent, entry.el, at);
    // Only now: what a moved element was given before it moved, Chromium would not always show.
    if (entry.sign !== sign) entry.el = morph(entry.el, build(model));
    if (isNew || entry.sign !== sign) onChange?.(entry.el, model, isNew);
    entry.sign = sign;
  }
}

const still = matchMedia("(prefers-reduced-motion: reduce)");

/**
 * Marks for a moment what has just changed; the lines around it stay to be seen. By way of properties that its cells
 * take over: a row whose own background moves is painted over what its cells have got meanwhile.
 * @param {Element} el
 */
export function flash(el) {
  if (still.matches) return;
  const style = getComputedStyle(el);
  const lit = { "--lit": style.getPropertyValue("--flash"), "--line": style.getPropertyValue("--flash-line") };
  el.animate([lit, { ...lit, offset: 0.3 }, {}], { duration: 2400, id: "flash" });
}
