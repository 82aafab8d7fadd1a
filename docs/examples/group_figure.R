# Loads the data package of a study and draws the mean valence index of each arm by month:
#   Rscript group_figure.R FOLDER OUT.pdf
# Needs base R alone (run with 4.2.2). FOLDER is the unpacked ZIP in CSV format.

folder <- commandArgs(trailingOnly = TRUE)[1]
out <- commandArgs(trailingOnly = TRUE)[2]
if (is.na(folder)) stop("usage: Rscript group_figure.R FOLDER OUT.pdf", call. = FALSE)

# Study numbers and arms are text, also where they look like numbers.
visits <- read.csv(file.path(folder, "visits.csv"), colClasses = c(participant = "character"))
people <- read.csv(file.path(folder, "participants.csv"), colClasses = c(participant = "character", arm = "character"), na.strings = "")
if (is.null(visits$valence)) stop("the study does not use expressions: visits.csv has no valence", call. = FALSE)
people$arm[is.na(people$arm)] <- "all"
d <- merge(visits, people[c("participant", "arm")], by = "participant")
d$week <- d$day / 7

# A visit belongs to the nearest of weeks 0, 4 ... 24, at most two weeks away. Everyone counts once in each.
d$mark <- 4 * pmax(0, round((d$week - 1e-9) / 4))
d <- d[d$mark <= 24 & abs(d$week - d$mark) <= 2 & !is.na(d$valence), ]
each <- aggregate(valence ~ arm + mark + participant, d, mean)
m <- aggregate(valence ~ arm + mark, each, function(x) c(mean = mean(x), se = sd(x) / sqrt(length(x)), n = length(x)))
m <- do.call(data.frame, m)
names(m) <- c("arm", "mark", "mean", "se", "people")
print(m[order(m$arm, m$mark), ], row.names = FALSE)

if (!is.na(out)) {
  pdf(out, width = 8, height = 4)
  par(mar = c(4, 4, 1, 1))
  plot(NA, xlim = c(0, 24), ylim = c(-0.85, 0.85), xlab = "weeks since first visit", ylab = "valence index", xaxt = "n")
  axis(1, at = seq(0, 24, 4))
  abline(h = 0, col = "grey")
  arms <- sort(unique(m$arm))
  for (k in seq_along(arms)) {
    # Side by side, so that no interval hides another. One person has none.
    own <- m[m$arm == arms[k], ]
    x <- own$mark + 0.3 * (k - 1)
    lines(x, own$mean, type = "b", pch = k, lty = k)
    several <- own$people > 1
    half <- qt(0.975, pmax(own$people - 1, 1)) * own$se
    arrows(x[several], (own$mean - half)[several], x[several], (own$mean + half)[several], angle = 90, code = 3, length = 0.03)
  }
  legend("topleft", arms, pch = seq_along(arms), lty = seq_along(arms), bty = "n")
  invisible(dev.off())
}
# The mixed model of the page, with lme4. The page takes the last arm as the reference, R the first:
#   d$time <- d$week / 4; lme4::lmer(valence ~ time * arm + (time | participant), d, REML = TRUE)
