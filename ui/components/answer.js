const SPANS = { em: "em", strong: "strong", s: "s" }
const BLOCKS = { p: "p", ul: "ul", li: "li", quote: "blockquote", hr: "hr", table: "table", thead: "thead", tbody: "tbody", tr: "tr", th: "th", td: "td" }

const draw = (nodes, chip) => (nodes || []).map((node) => drawOne(node, chip))

const drawOne = (node, chip) => {
  if (node.kind === "text") return document.createTextNode(node.text)
  if (node.kind === "cite") return chip(node.n)
  if (node.kind === "br") return el("br")
  if (node.kind === "mono") return el("code", "mono", node.text)
  if (node.kind === "code") {
    const pre = el("pre")
    pre.tabIndex = 0
    pre.append(el("code", "", node.text))
    return pre
  }
  if (node.kind === "link") return link(node.href, node.host, draw(node.children, chip))
  if (node.kind === "image") return drawImage(node)
  const tag = SPANS[node.kind] || BLOCKS[node.kind] || (node.kind === "h" ? `h${Math.min(6, node.level + 2)}` : node.kind === "ol" ? "ol" : "span")
  const element = el(tag)
  if (node.kind === "ol") element.start = node.level
  element.append(...draw(node.children, chip))
  if (node.kind !== "table") return element
  const scroll = el("div", "scroll")
  scroll.tabIndex = 0
  scroll.append(element)
  return scroll
}

// An image of an answer is never loaded: its address could carry text of the conversation to a stranger.
const drawImage = (node) => {
  const note = el("span", "image")
  note.append(icon("image_not_supported"), ` Image not loaded${node.text ? `: ${node.text}` : ""} `)
  if (node.href) note.append(link(node.href, node.host, [document.createTextNode("open")]))
  return note
}

const drawCard = (card, item) => {
  card.replaceChildren(el("div", "title", item.title), el("div", "place", [item.collection, place(item)].filter(Boolean).join(" · ")))
  if (item.quote) card.append(el("div", "quote", item.quote))
  if (item.chunk) card.append(el("div", "hint", "Select to read it in its document"))
}

const showCard = (card, target, item) => {
  drawCard(card, item)
  card.showPopover()
  const at = target.getBoundingClientRect()
  const own = card.getBoundingClientRect()
  const below = at.bottom + 8 + own.height < window.innerHeight
  card.style.left = `${Math.max(8, Math.min(at.left - 12, window.innerWidth - own.width - 8))}px`
  card.style.top = `${below ? at.bottom + 8 : Math.max(8, at.top - own.height - 8)}px`
}

const hideCard = (card) => {
  if (card.matches(":popover-open")) card.hidePopover()
}

const hoverable = (button, card, item, open) => {
  button.type = "button"
  button.onmouseenter = () => showCard(card, button, item)
  button.onfocus = () => showCard(card, button, item)
  button.onmouseleave = () => hideCard(card)
  button.onblur = () => hideCard(card)
  button.onkeydown = (event) => {
    if (event.key === "Escape") hideCard(card) // no value: false would keep Enter from selecting
  }
  button.onclick = () => {
    hideCard(card)
    open(item)
  }
  return button
}

const chips = (data, card, open) => {
  const byNumber = new Map(data.citations.map((item) => [item.n, item]))
  return (n) => {
    const item = byNumber.get(n)
    if (!item) return el("span", "cite pending", String(n))
    const button = el("button", "cite", String(n))
    button.setAttribute("aria-label", `Source ${n}: ${[item.title, place(item)].filter(Boolean).join(", ")}`)
    return hoverable(button, card, item, open)
  }
}

// Only blocks that changed are replaced, so that a selection or an open card survives while the rest still streams.
const drawText = (root, data, chip) => {
  const drawn = root.drawn || []
  const known = JSON.stringify(data.citations)
  data.blocks.forEach((block, index) => {
    const source = known + JSON.stringify(block)
    if (drawn[index] === source) return
    const node = drawOne(block, chip)
    if (root.children[index]) root.children[index].replaceWith(node)
    else root.append(node)
    drawn[index] = source
  })
  while (root.children.length > data.blocks.length) root.lastElementChild.remove()
  root.drawn = drawn.slice(0, data.blocks.length)
  root.setAttribute("aria-busy", String(data.live))
}

const drawSteps = (details, data) => {
  details.hidden = !data.headline
  const summary = details.querySelector("summary")
  summary.replaceChildren(el("span", data.live ? "pulse" : "mark"), el("span", data.live ? "shimmer" : "", data.headline))
  const rows = data.steps.map((step) => {
    const row = el("li")
    row.append(el("b", "", step.name), el("span", "detail", step.detail), el("span", "ms", step.time))
    return row
  })
  details.querySelector("ol").replaceChildren(...rows)
  details.classList.toggle("empty", rows.length === 0)
}

const drawSources = (box, data, card, open) => {
  box.hidden = data.citations.length === 0
  const rows = data.citations.map((item) => {
    const button = el("button", "source")
    button.append(el("span", "number", String(item.n)), el("span", "name", item.title), el("span", "place", place(item)))
    return hoverable(button, card, item, open)
  })
  box.replaceChildren(el("div", "label", plural(rows.length, "source", "sources")), ...rows)
}

const drawNearest = (box, data, open) => {
  box.hidden = data.nearest.length === 0
  const cards = data.nearest.map((item) => {
    const button = el("button", "near")
    button.type = "button"
    const quote = el("span", "quote", item.before)
    quote.append(el("mark", "", item.best), item.after)
    button.append(quote, el("span", "place", [item.title, place(item)].filter(Boolean).join(" · ")))
    button.onclick = () => open(item)
    return button
  })
  box.replaceChildren(el("div", "label", "The closest passages. Select one to read it in its document."), ...cards)
}

const drawNotice = (box, data) => {
  box.hidden = !data.notice
  box.className = `notice ${data.tone}`
  box.replaceChildren(icon(data.tone === "warn" ? "warning" : "info"), el("span", "", data.notice))
}

export default function ({ data: [data], parentElement, setTriggerValue }) {
  const part = (name) => parentElement.querySelector(`.${name}`)
  const card = part("card")
  const open = (item) => setTriggerValue("open", { chunk: item.chunk, n: item.n || 0 })
  drawSteps(part("steps"), data)
  drawNotice(part("notice"), data)
  drawText(part("text"), data, chips(data, card, open))
  drawNearest(part("nearest"), data, open)
  drawSources(part("sources"), data, card, open)
  return () => hideCard(card)
}
