# Draws bench/utility.py's figure: gnuplot -e "data='…'; figure='…'; required=0.01" utility.gp
# Blue circles and orange triangles (Okabe and Ito's colours): told apart without colour, too.
set terminal svg size 820,680 font "Helvetica,15" background rgb "white" linewidth 1.3
set output figure
set encoding utf8
set linetype 1 linecolor rgb "#0072B2" linewidth 1.6 pointtype 7 pointsize 0.8
set linetype 2 linecolor rgb "#D55E00" linewidth 1.6 pointtype 9 pointsize 0.95
set linetype 3 linecolor rgb "#555555" linewidth 1.2 dashtype 2
set logscale xy
set xrange [0.42:9.6]
set xtics ("0.5" 0.5, "1" 1, "2" 2, "4" 4, "8" 8) nomirror
set ytics nomirror
set border 3
set grid ytics linecolor rgb "#dddddd" linewidth 0.6
set xlabel "ε (δ = 10^{−6})" offset 0,0.3
set bars 0.6
unset key

taiwan(what) = sprintf("taiwan_default/%s", what)
adult(what) = sprintf("adult/%s", what)
# Two sets side by side, so that error bars do not cover each other.
first = 0.97
second = 1.03

set multiplot layout 2,2 margins 0.115,0.985,0.09,0.945 spacing 0.125,0.19

set title "Score: held-out AUC lost" font ",15" offset 0,-0.3
set ylabel "area under the curve" offset 0.6,0
unset logscale y
set yrange [-0.005:0.02]
set key top right samplen 2 spacing 1.2 font ",13"
plot required with lines linetype 3 title "most, required at ε = 4", \
     data index taiwan("logistic/auc lost") using ($1*first):2:3 with yerrorlines linetype 1 \
         title "taiwan\\_default", \
     data index adult("logistic/auc lost") using ($1*second):2:3 with yerrorlines linetype 2 \
         title "adult"
unset key

set title "Score: error of the coefficients"
set ylabel "relative error (Euclidean norm)"
set yrange [0:*]
plot data index taiwan("logistic/coefficients, relative") using ($1*first):2:3 with yerrorlines linetype 1, \
     data index adult("logistic/coefficients, relative") using ($1*second):2:3 with yerrorlines linetype 2

set title "Statistics: error of a mean"
set ylabel "in sd of the column"
plot data index taiwan("statistics/means") using ($1*first):2:3 with yerrorlines linetype 1, \
     data index adult("statistics/means") using ($1*second):2:3 with yerrorlines linetype 2

set title "Statistics: error of a quartile"
plot data index taiwan("statistics/quartiles") using ($1*first):2:3 with yerrorlines linetype 1, \
     data index adult("statistics/quartiles") using ($1*second):2:3 with yerrorlines linetype 2
unset multiplot
