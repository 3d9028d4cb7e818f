// The map: land from the package, clusters from the server, a rectangle that becomes a list.
"use strict";

(() => {
  const place = document.querySelector("#map");
  if (!place) return;
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const told = document.querySelector("#told");
  const canvas = L.canvas({ padding: 0.5 });
  const map = L.map(place, { renderer: canvas, worldCopyJump: true, minZoom: 0.5, maxZoom: 18, zoomSnap: 0.5, attributionControl: false, maxBounds: [[-88, -Infinity], [88, Infinity]] });
  map.setView([22, 8], Math.max(0.5, Math.round(2 * Math.log2(place.clientWidth / 256)) / 2));
  L.control.attribution({ prefix: false }).addAttribution("Land: Natural Earth").addTo(map);
  L.control.scale({ imperial: false }).addTo(map);

  const style = () => ({ stroke: true, color: colour("--shore"), weight: 1, fillColor: colour("--land"), fillOpacity: 1 });
  const land = L.geoJSON(null, { style, interactive: false, renderer: canvas }).addTo(map);
  const lines = L.layerGroup().addTo(map);
  const piles = L.layerGroup().addTo(map);
  let fine = false;

  /** A ring whose longitudes go on where they would jump at the date line; around a pole it is closed over the pole. */
  function unrolled(ring) {
    let turned = 0;
    const out = ring.map(([east, north], number) => {
      if (number) {
        const jump = east - ring[number - 1][0];
        if (jump > 180) turned -= 360;
        else if (jump < -180) turned += 360;
      }
      return [east + turned, north];
    });
    if (Math.abs(turned) < 180) return out;
    const pole = out[0][1] < 0 ? -90 : 90;
    return [...out, [out.at(-1)[0], pole], [out[0][0], pole], out[0]];
  }

  /** Land, and its copies to the left and to the right: a wide window shows the world more than once. */
  async function draw(address) {
    const topology = await (await fetch(address)).json();
    const found = topojson.feature(topology, topology.objects.land);
    const polygons = found.features.flatMap(({ geometry }) => geometry.type === "Polygon" ? [geometry.coordinates] : geometry.coordinates);
    land.clearLayers();
    for (const shift of [-360, 0, 360]) {
      const coordinates = polygons.map((rings) => rings.map((ring) => unrolled(ring).map(([east, north]) => [east + shift, Math.max(-85, Math.min(85, north))])));
      land.addData({ type: "MultiPolygon", coordinates });
    }
    land.bringToBack();
  }

  function graticule() {
    lines.clearLayers();
    const options = { color: colour("--shore"), weight: 0.5, opacity: 0.6, interactive: false, renderer: canvas };
    for (let degrees = -540; degrees <= 540; degrees += 30) lines.addLayer(L.polyline([[-85, degrees], [85, degrees]], options));
    for (let degrees = -60; degrees <= 60; degrees += 30) lines.addLayer(L.polyline([[degrees, -540], [degrees, 540]], options));
  }

  const clamp = (value, most) => Math.max(-most, Math.min(most, value));
  const wrapped = (value) => ((value + 180) % 360 + 360) % 360 - 180;
  const written = (value) => String(Math.round(value * 1e5) / 1e5);

  /** What a query calls the part of the map: south, west, north, east. */
  function part(bounds) {
    const wide = bounds.getEast() - bounds.getWest() >= 359;
    const [west, east] = wide ? [-180, 180] : [wrapped(bounds.getWest()), wrapped(bounds.getEast())];
    return [clamp(bounds.getSouth(), 90), west, clamp(bounds.getNorth(), 90), east].map(written).join(",");
  }

  const short = (count) => count < 1000 ? String(count) : count < 1e4 ? `${(count / 1000).toFixed(1)}k` : `${Math.round(count / 1000)}k`;

  function pile({ latitude, longitude, count, south, west, north, east, key }) {
    const size = 2 * radius(count);
    const disc = document.createElement("div");
    disc.className = count === 1 ? "pile one" : "pile";
    disc.style.width = disc.style.height = `${size}px`;
    if (count > 1) disc.textContent = short(count);
    const icon = L.divIcon({ html: disc, className: "", iconSize: [size, size] });
    const words = count === 1 ? "1 picture" : `${count.toLocaleString("en")} pictures`;
    const marker = L.marker([latitude, longitude], { icon, title: words, alt: words, keyboard: true });
    marker.on("click keypress", (event) => {
      if (event.originalEvent.key && event.originalEvent.key !== "Enter") return;
      if (count === 1) location.assign(`/images/${encodeURIComponent(key)}`);
      else if (north - south < 0.0002 && east - west < 0.0002) list(`${written(south - 1e-4)},${written(west - 1e-4)},${written(north + 1e-4)},${written(east + 1e-4)}`);
      else map.fitBounds([[south, west], [north, east]], { padding: [60, 60], maxZoom: 17 });
    });
    return marker;
  }

  const radius = (count) => (count === 1 ? 16 : 24 + 7 * Math.log10(count)) / 2;

  /** Discs that would lie over each other become one: the larger takes the smaller. */
  function apart(clusters) {
    const kept = [];
    for (const [latitude, longitude, count, south, west, north, east, key] of clusters) {
      const at = map.project([latitude, longitude]);
      const near = kept.find((each) => Math.abs(each.at.x - at.x) < 60 && each.at.distanceTo(at) < radius(each.count) + radius(count) - 3);
      if (!near) { kept.push({ at, latitude, longitude, count, south, west, north, east, key }); continue; }
      near.count += count;
      [near.south, near.west] = [Math.min(near.south, south), Math.min(near.west, west)];
      [near.north, near.east] = [Math.max(near.north, north), Math.max(near.east, east)];
    }
    return kept;
  }

  let asked = 0;
  async function gather() {
    const mine = ++asked;
    const bounds = map.getBounds().pad(0.15);
    const whole = map.getZoom() < 3;
    const address = new URL("/map/clusters", location.href);
    address.searchParams.set("q", place.dataset.q);
    address.searchParams.set("zoom", String(Math.round(map.getZoom())));
    if (!whole) address.searchParams.set("box", part(bounds));
    const answer = await fetch(address);
    if (mine !== asked) return;
    if (!answer.ok) { told.textContent = "The map could not be asked now; move it to ask again."; return; }
    const found = await answer.json();
    if (mine !== asked) return;
    piles.clearLayers();
    for (const each of apart(found.clusters)) piles.addLayer(pile(each));
    const where = whole ? "on the map" : "in this part of the map";
    told.textContent = found.count ? `${found.count.toLocaleString("en")} pictures ${where}${found.complete ? "" : ", and more than could be counted in time"}.` : `No picture ${where}. Zoom out, or take a term out of the filter.`;
    place.dataset.painted = String(found.count);
    if (!place.dataset.fitted && found.clusters.length) fit(found.clusters);
  }

  /** The first look is at where the pictures are. */
  function fit(clusters) {
    place.dataset.fitted = "yes";
    if (!place.dataset.q) return;
    const bounds = L.latLngBounds(clusters.flatMap(([, , , south, west, north, east]) => [[south, west], [north, east]]));
    map.fitBounds(bounds, { padding: [50, 50], maxZoom: 12 });
  }

  async function list(box) {
    const address = new URL("/map/pictures", location.href);
    address.searchParams.set("q", place.dataset.q);
    address.searchParams.set("box", box);
    const answer = await fetch(address);
    const within = document.querySelector("#within");
    within.replaceChildren(...new DOMParser().parseFromString(await answer.text(), "text/html").body.children);
    within.scrollIntoView({ block: "nearest", behavior: "smooth" });
  }

  // --- a rectangle ---

  const button = document.querySelector("#rectangle");
  let drawing = false, from = null, shape = null;
  const switchDrawing = (on) => {
    drawing = on;
    button.setAttribute("aria-pressed", String(on));
    place.classList.toggle("drawing", on);
    map.dragging[on ? "disable" : "enable"]();
  };
  button.addEventListener("click", () => switchDrawing(!drawing));
  map.on("mousedown", (event) => {
    if (!drawing) return;
    from = event.latlng;
    shape?.remove();
    shape = L.rectangle([from, from], { color: colour("--accent"), weight: 2, renderer: canvas, interactive: false }).addTo(map);
  });
  map.on("mousemove", (event) => { if (from) shape.setBounds([from, event.latlng]); });
  map.on("mouseup", () => {
    if (!from) return;
    from = null;
    switchDrawing(false);
    list(part(shape.getBounds()));
  });

  map.on("moveend", () => {
    gather();
    if (!fine && map.getZoom() >= 4) { fine = true; draw(place.dataset.fine); }
  });
  document.addEventListener("themed", () => { land.setStyle(style()); graticule(); });
  graticule();
  draw(place.dataset.land);
  gather();
})();
