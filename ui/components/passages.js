const bar = (score) => {
  const box = el("div", "score")
  box.title = score.help
  const track = el("div", "track")
  const fill = el("div", "fill")
  fill.style.width = `${Math.round(Math.max(0, Math.min(1, score.share)) * 100)}%`
  track.append(fill)
  box.append(el("span", "scorename", score.name), track, el("span", "value", score.shown))
  return box
}

const switchFor = (item, send) => {
  const button = el("button", "switch")
  button.type = "button"
  button.setAttribute("role", "switch")
  button.setAttribute("aria-checked", String(item.enabled))
  button.setAttribute("aria-label", `Passage ${item.number} can be found`)
  button.title = item.enabled ? "Found by search. Select to hide it." : "Hidden from search. Select to let it be found."
  button.append(el("span", "knob"))
  button.onclick = () => send("toggle", { chunk: item.id, enabled: !item.enabled })
  return button
}

const head = (item, send) => {
  const row = el("div", "head")
  row.append(el("span", "number", String(item.number)))
  if (item.opens) {
    const title = el("button", "title", item.title)
    title.type = "button"
    title.onclick = () => send("open", { chunk: item.id, n: 0 })
    row.append(title)
  } else if (item.title) row.append(el("span", "title", item.title))
  row.append(el("span", "place", item.place))
  if (item.switchable) row.append(switchFor(item, send))
  return row
}

const drawItem = (item, send) => {
  const row = el("li", item.enabled === false ? "item off" : "item")
  const body = el("div", "body")
  body.append(...drawParts(item.parts))
  row.append(head(item, send), body)
  if (item.scores.length) {
    const scores = el("div", "scores")
    scores.append(...item.scores.map(bar))
    row.append(scores)
  }
  return row
}

export default function ({ data: [data], parentElement, setTriggerValue }) {
  const list = parentElement.querySelector(".passages")
  list.replaceChildren(...data.items.map((item) => drawItem(item, setTriggerValue)))
}
