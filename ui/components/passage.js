// The words that an answer rests on stand out from the rest of the passage, where they can be found in it.
const drawPassage = (box, text, quote) => {
  const at = quote ? text.indexOf(quote) : -1
  if (at < 0 || quote.length === text.length) {
    box.replaceChildren(text)
    return
  }
  box.replaceChildren(text.slice(0, at), el("strong", "", quote), text.slice(at + quote.length))
}

export default function ({ data: [data], parentElement }) {
  const part = (name) => parentElement.querySelector(`.${name}`)
  part("before").textContent = data.before
  part("after").textContent = data.after
  const mark = part("text")
  drawPassage(mark, data.text, data.quote)
  if (mark.dataset.shown !== data.id) {
    mark.dataset.shown = data.id
    requestAnimationFrame(() => mark.scrollIntoView({ block: "center" }))
  }
}
