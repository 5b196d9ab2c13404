package sweep

// Files of a sweep's folder, beside those of the runs.
const (
	sweepFile = "sweep.yaml"
	logsDir   = "logs"
)

// Files of a sweep's folder that have all runs but the auxiliary ones.
const (
	sweepCSV  = "sweep.csv"
	sweepJSON = "sweep.json"
)

// auxiliaryDir holds the auxiliary runs, one folder deeper than those that are
// to be compared.
const auxiliaryDir = "auxiliary"
