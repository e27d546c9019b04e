(function () {
  var WORDS = ['headline', 'lede', 'eta', 'heard', 'stale', 'driver', 'vehicle', 'registration',
    'since', 'start', 'goal'];
  var MOST = 240, seen = [], toward = '';

  // The way as this page saw it come: in metres from the goal, so that it fits at every scale.
  function putTrail() {
    var svg = page.at('picture').getElementsByTagName('svg')[0], trail = page.at('trail');
    var goal, east, north, last, scale, points = [], i;
    if (!svg || !trail) return;
    goal = svg.getAttribute('aria-label') + page.at('way').getElementsByClassName('done').length;
    if (goal !== toward) { toward = goal; seen = []; }
    east = +svg.getAttribute('data-east');
    north = +svg.getAttribute('data-north');
    scale = +svg.getAttribute('data-scale');
    last = seen[seen.length - 1];
    if (!last || last[0] !== east || last[1] !== north) seen.push([east, north]);
    if (seen.length > MOST) seen.shift();
    for (i = 0; i < seen.length; i++) {
      points.push((180 + seen[i][0] * scale).toFixed(1) + ',' + (135 - seen[i][1] * scale).toFixed(1));
    }
    trail.setAttribute('points', points.join(' '));
  }

  page.watch(function (view) {
    var i;
    for (i = 0; i < WORDS.length; i++) page.put(WORDS[i], view[WORDS[i]]);
    page.putWay(view.reached);
    page.at('open').className = view.reached === 0 ? 'waits' : '';
    page.at('picture').innerHTML = view.picture || '';
    page.at('picture').hidden = !view.picture;
    page.at('where').hidden = !(view.picture || view.heard || view.stale);
    page.at('who').hidden = !view.driver;
    page.at('nobody').hidden = !!view.driver;
    putTrail();
  });
})();
